// The `.pte` as ExecuTorch sees it: one read-only mapping, into which every load points.
#pragma once

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <executorch/runtime/core/data_loader.h>

namespace mobilesr {

class MappedFile final : public executorch::runtime::DataLoader {
 public:
  MappedFile() = default;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() override {
    if (data_ != nullptr) ::munmap(data_, size_);
  }

  // 0, or the errno of what failed. An empty file is EINVAL: there is nothing to map.
  int open(const char* path) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno;
    struct stat status;
    int error = ::fstat(file, &status) == 0 ? 0 : errno;
    if (error == 0 && (!S_ISREG(status.st_mode) || status.st_size <= 0)) error = EINVAL;
    if (error == 0) {
      const size_t size = static_cast<size_t>(status.st_size);
      void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
      if (data == MAP_FAILED) {
        error = errno;
      } else {
        data_ = data;
        size_ = size;
      }
    }
    ::close(file);
    return error;
  }

  executorch::runtime::Result<executorch::runtime::FreeableBuffer> load(
      size_t offset, size_t size, const SegmentInfo& /*info*/) const override {
    if (!holds(offset, size)) return executorch::runtime::Error::InvalidArgument;
    return executorch::runtime::FreeableBuffer(at(offset), size, nullptr);
  }

  executorch::runtime::Error load_into(size_t offset, size_t size, const SegmentInfo& /*info*/,
                                       void* buffer) const override {
    if (!holds(offset, size)) return executorch::runtime::Error::InvalidArgument;
    std::memcpy(buffer, at(offset), size);
    return executorch::runtime::Error::Ok;
  }

  executorch::runtime::Result<size_t> size() const override { return size_; }

 private:
  bool holds(size_t offset, size_t size) const { return offset <= size_ && size <= size_ - offset; }
  const uint8_t* at(size_t offset) const { return static_cast<const uint8_t*>(data_) + offset; }

  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mobilesr
