// How a launch fails on purpose: an `error` event of the protocol and exit code 1.
#pragma once

#include <cstdint>
#include <string>

namespace mobilesr {

// The protocol's error kinds, as written.
constexpr const char* kBadFile = "bad_file";
constexpr const char* kBadInput = "bad_input";
constexpr const char* kOutOfMemory = "out_of_memory";
constexpr const char* kOutput = "output";
constexpr const char* kFailed = "failed";

// Emits the `error` event and ends the process. No exceptions here, so no way back either.
[[noreturn]] void fail(const char* kind, const std::string& message);

// ExecuTorch's two out-of-memory codes (error.h) are told apart from what else goes wrong.
inline const char* kind_of(uint32_t code, const char* otherwise) {
  return code == 0x21 || code == 0x31 ? kOutOfMemory : otherwise;
}

std::string error_words(const char* what, uint32_t code);

}  // namespace mobilesr
