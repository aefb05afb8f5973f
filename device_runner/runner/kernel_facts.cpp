#include "kernel_facts.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace mobilesr {
namespace {

constexpr int kMaxCpus = CPU_SETSIZE;
constexpr int kMaxZones = 512;

// Of the address space, as `limit_added_memory` found and set them; 0 without a limit.
double limit_mb = 0;
double peak_before_mb = 0;

double status_mb(const char* field) {
  FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return 0.0;
  char line[256];
  double found = 0.0;
  const size_t length = std::strlen(field);
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, field, length) == 0 && line[length] == ':') {
      found = std::strtod(line + length + 1, nullptr) / 1024.0;
      break;
    }
  }
  std::fclose(file);
  return found;
}

bool read_number(const char* path, double* value) {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  // A thermal zone that is switched off opens and then fails to read.
  const bool read = std::fscanf(file, "%lf", value) == 1;
  std::fclose(file);
  return read;
}

bool read_cpu(int cpu, const char* name, double* value) {
  char path[128];
  std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, name);
  return read_number(path, value);
}

bool speeds(const char* name, const std::vector<int64_t>& cpus, std::vector<double>* found) {
  found->clear();
  for (const int64_t cpu : cpus) {
    double value = 0;
    if (!read_cpu(static_cast<int>(cpu), name, &value)) return false;
    found->push_back(value);
  }
  return !found->empty();
}

cpu_set_t big_cpus() {
  const std::vector<int64_t> cpus = affinity();
  std::vector<double> speed;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (!speeds("cpu_capacity", cpus, &speed) &&
      !speeds("cpufreq/cpuinfo_max_freq", cpus, &speed)) {
    speed.assign(cpus.size(), 1.0);
  }
  double slowest = speed.empty() ? 0.0 : speed[0];
  double fastest = slowest;
  for (const double value : speed) {
    slowest = value < slowest ? value : slowest;
    fastest = value > fastest ? value : fastest;
  }
  for (size_t at = 0; at < cpus.size(); ++at) {
    if (speed[at] > slowest || fastest == slowest) CPU_SET(static_cast<int>(cpus[at]), &set);
  }
  return set;
}

bool add_mask(const std::string& digits, cpu_set_t* set) {
  if (digits.empty()) return false;
  int cpu = 0;
  for (auto at = digits.rbegin(); at != digits.rend(); ++at, cpu += 4) {
    const char one[2] = {*at, '\0'};
    char* end = nullptr;
    const long nibble = std::strtol(one, &end, 16);
    if (end == one || cpu + 4 > kMaxCpus) return false;
    for (int bit = 0; bit < 4; ++bit) {
      if ((nibble >> bit & 1) != 0) CPU_SET(cpu + bit, set);
    }
  }
  return true;
}

bool add_list(const std::string& list, cpu_set_t* set) {
  const char* next = list.c_str();
  while (true) {
    char* end = nullptr;
    const long first = std::strtol(next, &end, 10);
    if (end == next || first < 0) return false;
    long last = first;
    if (*end == '-') {
      next = end + 1;
      last = std::strtol(next, &end, 10);
      if (end == next) return false;
    }
    if (last < first || last >= kMaxCpus) return false;
    for (long cpu = first; cpu <= last; ++cpu) CPU_SET(static_cast<int>(cpu), set);
    if (*end == '\0') return true;
    if (*end != ',') return false;
    next = end + 1;
  }
}

}  // namespace

double rss_mb() { return status_mb("VmRSS"); }

double peak_rss_mb() { return status_mb("VmHWM"); }

bool reset_peak_rss() {
  const int file = ::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = ::write(file, "5", 1) == 1;
  ::close(file);
  return written;
}

void release_free_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

bool limit_added_memory(long megabytes) {
  const double size_mb = status_mb("VmSize");
  if (size_mb <= 0) return false;
  limit_mb = size_mb + static_cast<double>(megabytes);
  peak_before_mb = status_mb("VmPeak");
  const rlim_t limit = static_cast<rlim_t>(limit_mb * 1048576.0);
  const struct rlimit both = {limit, limit};
  return ::setrlimit(RLIMIT_AS, &both) == 0;
}

bool memory_limit_passed() {
  if (limit_mb <= 0) return false;
  // The mark cannot be reset: one from before the limit says nothing.
  const double peak_mb = status_mb("VmPeak");
  return status_mb("VmSize") > limit_mb || (peak_mb > limit_mb && peak_mb > peak_before_mb);
}

std::vector<int64_t> affinity() {
  std::vector<int64_t> found;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return found;
  for (int cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (CPU_ISSET(cpu, &set)) found.push_back(cpu);
  }
  return found;
}

bool bind_cpus(const std::string& wanted) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (wanted == "all") return true;
  if (wanted == "big") {
    set = big_cpus();
  } else if (wanted.compare(0, 2, "0x") == 0) {
    if (!add_mask(wanted.substr(2), &set)) return false;
  } else if (!add_list(wanted, &set)) {
    return false;
  }
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

std::vector<double> cpu_freq_mhz() {
  std::vector<double> found;
  const long cpus = ::sysconf(_SC_NPROCESSORS_CONF);
  for (int cpu = 0; cpu < cpus && cpu < kMaxCpus; ++cpu) {
    double khz = 0;
    if (read_cpu(cpu, "cpufreq/scaling_cur_freq", &khz)) found.push_back(khz / 1000.0);
  }
  return found;
}

std::vector<double> temperature_c() {
  std::vector<double> found;
  for (int zone = 0; zone < kMaxZones; ++zone) {
    char path[64];
    std::snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d", zone);
    if (::access(path, F_OK) != 0) break;
    std::strcat(path, "/temp");
    double milli = 0;
    if (read_number(path, &milli)) found.push_back(milli / 1000.0);
  }
  return found;
}

int64_t now_ns() {
  struct timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
}

double cpu_time_ms() {
  struct timespec time;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

Faults faults() {
  struct rusage usage;
  std::memset(&usage, 0, sizeof usage);
  ::getrusage(RUSAGE_SELF, &usage);
  return {usage.ru_minflt, usage.ru_majflt};
}

}  // namespace mobilesr
