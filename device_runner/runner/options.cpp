#include "options.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "version.h"

namespace mobilesr {
namespace {

[[noreturn]] void refuse(const char* option, const char* why) {
  std::fprintf(stderr, "runner: %s: %s\n", option, why);
  std::exit(2);
}

long whole(const char* option, const char* text, long least) {
  errno = 0;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0') refuse(option, "not a whole number");
  if (value < least) refuse(option, "too small");
  return value;
}

double seconds(const char* option, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !std::isfinite(value) || value < 0) {
    refuse(option, "not a number of seconds");
  }
  return value;
}

void apply(Options& options, const char* name, const char* value) {
  const auto is = [name](const char* other) { return std::strcmp(name, other) == 0; };
  if (is("--model")) {
    options.model = value;
  } else if (is("--inputs")) {
    options.inputs.emplace_back(value);
  } else if (is("--output-dir")) {
    options.output_dir = value;
  } else if (is("--output-dtype")) {
    options.as_uint8 = std::strcmp(value, "uint8") == 0;
    if (!options.as_uint8 && std::strcmp(value, "float32") != 0) {
      refuse(name, "float32 or uint8");
    }
  } else if (is("--threads")) {
    options.threads = static_cast<int>(whole(name, value, 1));
    if (options.threads > 4096) refuse(name, "too many");
  } else if (is("--cpus")) {
    options.cpus = value;
  } else if (is("--min-warmup")) {
    options.min_warmup = whole(name, value, 0);
  } else if (is("--max-warmup")) {
    options.max_warmup = whole(name, value, 0);
  } else if (is("--min-iterations")) {
    options.min_iterations = whole(name, value, 1);
  } else if (is("--min-time-s")) {
    options.min_time_s = seconds(name, value);
  } else if (is("--memory-limit-mb")) {
    options.memory_limit_mb = whole(name, value, 0);
  } else {
    refuse(name, "no such option (see device_runner/launching/protocol.py)");
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  for (int at = 1; at < argc; ++at) {
    std::string name = argv[at];
    if (name == "--version") {
      std::printf("%s protocol %d executorch %s\n", kRunnerName, kProtocolVersion,
                  kRuntimeVersion);
      std::exit(0);
    }
    if (name == "--no-timing") {
      options.timing = false;
      continue;
    }
    const size_t equals = name.find('=');
    if (equals != std::string::npos) {
      const std::string value = name.substr(equals + 1);
      name.resize(equals);
      apply(options, name.c_str(), value.c_str());
      continue;
    }
    if (at + 1 == argc) refuse(name.c_str(), "unknown, or without its value");
    apply(options, name.c_str(), argv[++at]);
  }
  if (options.model.empty()) refuse("--model", "is needed");
  if (options.inputs.empty()) refuse("--inputs", "is needed");
  return options;
}

}  // namespace mobilesr
