#include "repeats.h"

#include <cstdio>
#include <cstring>
#include <string>

#include "events.h"
#include "kernel_facts.h"

namespace mobilesr {
namespace {

constexpr int64_t kOneIn = 100;
constexpr size_t kMaxDigests = 64;
// Odd, so that multiplying loses nothing.
constexpr uint64_t kFactor = 0x9e3779b97f4a7c15u;
constexpr size_t kLanes = 4;

uint64_t mixed(uint64_t state, uint64_t word) {
  state = (state ^ word) * kFactor;
  return state ^ (state >> 29);
}

uint64_t word_at(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

uint64_t digest_of(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  // Lanes that do not wait for each other keep up with the memory.
  uint64_t lanes[kLanes] = {1, 2, 3, 4};
  size_t at = 0;
  for (; at + sizeof lanes <= size; at += sizeof lanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = mixed(lanes[lane], word_at(bytes + at + lane * sizeof(uint64_t)));
    }
  }
  uint64_t digest = size;
  for (; at < size; ++at) digest = mixed(digest, bytes[at]);
  for (const uint64_t lane : lanes) digest = mixed(digest, lane);
  return digest;
}

OutputWatch::OutputWatch() : begin_ns_(now_ns()) {}

bool OutputWatch::is_due() const {
  if (seen_.empty()) return true;
  return (spent_ns_ + last_ns_) * kOneIn <= now_ns() - begin_ns_;
}

void OutputWatch::see(const void* output, size_t bytes) {
  const int64_t begin = now_ns();
  const uint64_t digest = digest_of(output, bytes);
  Seen* known = nullptr;
  for (Seen& seen : seen_) {
    if (seen.digest == digest) known = &seen;
  }
  if (known != nullptr) {
    ++known->executions;
  } else if (seen_.size() < kMaxDigests) {
    seen_.push_back({digest, 1});
  } else {
    ++further_;
  }
  last_ns_ = now_ns() - begin;
  spent_ns_ += last_ns_;
}

void OutputWatch::emit() const {
  std::vector<std::string> digests;
  std::vector<int64_t> executions;
  for (const Seen& seen : seen_) {
    char text[24];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(seen.digest));
    digests.push_back(text);
    executions.push_back(seen.executions);
  }
  if (further_ > 0) {
    digests.push_back("further");
    executions.push_back(further_);
  }
  Event("outputs_seen")
      .texts("digest", digests)
      .integers("executions", executions.data(), executions.size())
      .emit();
}

}  // namespace mobilesr
