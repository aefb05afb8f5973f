// What the kernel says of this process and machine. Readings may be missing; none is guessed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mobilesr {

double rss_mb();
double peak_rss_mb();
bool reset_peak_rss();
void release_free_memory();
// Limits what may be added to the address space from here on. False where that is not possible.
bool limit_added_memory(long megabytes);
// Whether more was added all the same: qemu takes such a limit, and does not enforce it. Asked after
// each step that allocates; between two of them nobody refuses anything there.
bool memory_limit_passed();

std::vector<int64_t> affinity();
// Binds this process, and every thread it makes later, to "0,4-5", "0xf0", "big" or "all".
// "big" is every CPU that is not of the slowest cluster; all, where there is one cluster only.
bool bind_cpus(const std::string& wanted);

std::vector<double> cpu_freq_mhz();
std::vector<double> temperature_c();

int64_t now_ns();
double cpu_time_ms();

struct Faults {
  int64_t minor;
  int64_t major;
};
Faults faults();

}  // namespace mobilesr
