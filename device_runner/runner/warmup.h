// When a warm-up may end. The same rule, with the same numbers, as device_runner/launching/warmup.py.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace mobilesr {

constexpr double kFastWeight = 0.6;
constexpr double kSlowWeight = 0.25;
constexpr double kTolerance = 0.04;
constexpr size_t kAgreeingIterations = 3;

inline bool is_settled(const std::vector<double>& durations) {
  if (durations.size() < kAgreeingIterations) return false;
  double fast = durations[0];
  double slow = durations[0];
  size_t agreeing = 1;
  for (size_t at = 1; at < durations.size(); ++at) {
    fast += kFastWeight * (durations[at] - fast);
    slow += kSlowWeight * (durations[at] - slow);
    agreeing = std::fabs(fast - slow) <= kTolerance * slow ? agreeing + 1 : 0;
  }
  return agreeing >= kAgreeingIterations;
}

inline bool may_stop(const std::vector<double>& durations, long least, long most) {
  const long count = static_cast<long>(durations.size());
  return count >= most || (count >= least && is_settled(durations));
}

}  // namespace mobilesr
