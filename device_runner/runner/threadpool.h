// ExecuTorch's thread pool, declared by hand: its own header needs pthreadpool.h, which neither
// the wheel nor every prebuilt library carries. Weak, because a library may be built without it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace executorch::extension::threadpool {

class ThreadPool final {
 public:
  size_t get_thread_count() const __attribute__((weak));
  bool _unsafe_reset_threadpool(uint32_t threads) __attribute__((weak));
};

ThreadPool* get_threadpool() __attribute__((weak));

}  // namespace executorch::extension::threadpool
