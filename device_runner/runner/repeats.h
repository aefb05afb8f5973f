// Whether the first input's outputs repeat: device_runner/launching/repeats.py says what for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mobilesr {

// A digest of some bytes: those that differ in one place only never have the same one.
uint64_t digest_of(const void* data, size_t bytes);

class OutputWatch {
 public:
  OutputWatch();
  OutputWatch(const OutputWatch&) = delete;
  OutputWatch& operator=(const OutputWatch&) = delete;

  // Whether the next output may be hashed: only a hundredth of the time since the start goes there.
  bool is_due() const;
  void see(const void* output, size_t bytes);
  int64_t spent_ns() const { return spent_ns_; }
  void emit() const;

 private:
  struct Seen {
    uint64_t digest;
    int64_t executions;
  };

  int64_t begin_ns_;
  int64_t last_ns_ = 0;
  int64_t spent_ns_ = 0;
  int64_t further_ = 0;
  std::vector<Seen> seen_;
};

}  // namespace mobilesr
