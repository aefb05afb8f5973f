// The arguments of the runner protocol (device_runner/launching/protocol.py), version 1.
#pragma once

#include <string>
#include <vector>

namespace mobilesr {

struct Options {
  std::string model;
  std::vector<std::string> inputs;
  std::string output_dir;
  bool as_uint8 = false;
  int threads = 1;
  // As given: "0,4-5", "0xf0", "big", "all", or empty for unbound.
  std::string cpus;
  long min_warmup = 3;
  long max_warmup = 30;
  long min_iterations = 10;
  double min_time_s = 1.0;
  bool timing = true;
  // Negative: no limit.
  long memory_limit_mb = -1;
};

// Parses or, on a senseless command line, says why on stderr and exits with 2.
Options parse_options(int argc, char** argv);

}  // namespace mobilesr
