// What this runner is, as it says in its `start` event.
#pragma once

// The headers carry no version: whoever builds the runner states which ExecuTorch it links.
#ifndef MOBILESR_EXECUTORCH_VERSION
#define MOBILESR_EXECUTORCH_VERSION "unknown"
#endif

namespace mobilesr {

constexpr int kProtocolVersion = 1;
constexpr const char* kRunnerName = "native-1";
constexpr const char* kRuntimeVersion = MOBILESR_EXECUTORCH_VERSION;

}  // namespace mobilesr
