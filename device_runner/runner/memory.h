// Memory for ExecuTorch: arenas that grow, because nobody knows beforehand how much is wanted.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

#include <executorch/runtime/core/memory_allocator.h>

namespace mobilesr {

// Hands out blocks until `reset`, which the runtime calls on the temp arena after every kernel.
// What was used up to a reset is kept as one block, so a steady state allocates nothing.
class GrowingArena final : public executorch::runtime::MemoryAllocator {
 public:
  GrowingArena() : MemoryAllocator(0, nullptr) {}
  GrowingArena(const GrowingArena&) = delete;
  GrowingArena& operator=(const GrowingArena&) = delete;
  ~GrowingArena() override { release(); }

  void* allocate(size_t size, size_t alignment = kDefaultAlignment) override {
    if (!isPowerOf2(alignment) || size > SIZE_MAX / 2 || alignment > kChunk) return nullptr;
    if (!blocks_.empty()) {
      if (void* found = take(size, alignment)) return found;
    }
    const size_t wanted = size + alignment;
    const size_t capacity = wanted > kChunk ? wanted : kChunk;
    auto* data = static_cast<uint8_t*>(std::malloc(capacity));
    if (data == nullptr) return nullptr;
    blocks_.push_back({data, capacity});
    used_ = 0;
    return take(size, alignment);
  }

  void reset() override {
    if (blocks_.size() > 1) {
      size_t total = 0;
      for (const Block& block : blocks_) total += block.capacity;
      release();
      auto* data = static_cast<uint8_t*>(std::malloc(total));
      if (data != nullptr) blocks_.push_back({data, total});
    }
    used_ = 0;
  }

 private:
  static constexpr size_t kChunk = 64 * 1024;
  struct Block {
    uint8_t* data;
    size_t capacity;
  };

  void* take(size_t size, size_t alignment) {
    const Block& block = blocks_.back();
    uint8_t* start = alignPointer(block.data + used_, alignment);
    const size_t offset = static_cast<size_t>(start - block.data);
    if (offset > block.capacity || size > block.capacity - offset) return nullptr;
    used_ = offset + size;
    return start;
  }

  void release() {
    for (const Block& block : blocks_) std::free(block.data);
    blocks_.clear();
  }

  std::vector<Block> blocks_;
  size_t used_ = 0;
};

}  // namespace mobilesr
