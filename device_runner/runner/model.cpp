#include "model.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/stat.h>

#include "failure.h"

namespace mobilesr {
namespace {

using executorch::aten::ScalarType;
using executorch::aten::Tensor;
using executorch::aten::TensorImpl;
using executorch::runtime::Error;
using executorch::runtime::EValue;
using executorch::runtime::HierarchicalAllocator;
using executorch::runtime::MemoryManager;
using executorch::runtime::Method;
using executorch::runtime::MethodMeta;
using executorch::runtime::Program;
using executorch::runtime::Result;
using executorch::runtime::Span;

constexpr const char* kMethod = "forward";
// XNNPACK asks for no more than this.
constexpr size_t kAlignment = 64;
// Reading past the end of a buffer is XNNPACK's privilege (XNN_EXTRA_BYTES).
constexpr size_t kExtraBytes = 128;

uint32_t code_of(Error error) { return static_cast<uint32_t>(error); }

[[noreturn]] void refuse(const char* what, Error error, const char* otherwise) {
  fail(kind_of(code_of(error), otherwise), error_words(what, code_of(error)));
}

uint8_t* aligned(size_t size) {
  void* data = nullptr;
  if (size > SIZE_MAX - kExtraBytes || ::posix_memalign(&data, kAlignment, size + kExtraBytes)) {
    fail(kOutOfMemory, "out of memory: planned buffer of " + std::to_string(size) + " bytes");
  }
  return static_cast<uint8_t*>(data);
}

// What can be fed and written.
bool is_known(ScalarType type) { return type == ScalarType::Float || type == ScalarType::Byte; }

template <typename Order>
bool is_row_major(const Order& order, size_t dims) {
  for (size_t at = 0; at < dims; ++at) {
    if (order[at] != at) return false;
  }
  return true;
}

}  // namespace

void Model::load_program(const std::string& path) {
  const int error = file_.open(path.c_str());
  if (error == ENOMEM) fail(kOutOfMemory, "out of memory: the file cannot be mapped");
  if (error != 0) fail(kBadFile, path + " cannot be opened: " + std::strerror(error));
  Result<Program> program = Program::load(&file_, Program::Verification::InternalConsistency);
  if (!program.ok()) refuse("loading the program", program.error(), kBadFile);
  program_ = new Program(std::move(program.get()));
}

void Model::plan_memory(const MethodMeta& meta) {
  for (size_t at = 0; at < meta.num_memory_planned_buffers(); ++at) {
    const Result<int64_t> size = meta.memory_planned_buffer_size(at);
    if (!size.ok()) refuse("planned memory", size.error(), kBadFile);
    if (size.get() < 0) fail(kBadFile, "planned memory: a negative size");
    const size_t bytes = static_cast<size_t>(size.get());
    planned_.push_back(Span<uint8_t>(aligned(bytes), bytes));
  }
}

void Model::describe_input(const MethodMeta& meta) {
  const auto info = meta.num_inputs() == 1 ? meta.input_tensor_meta(0)
                                           : decltype(meta.input_tensor_meta(0))(Error::NotFound);
  if (!info.ok() || !is_known(info->scalar_type())) {
    fail(kBadFile, "method 'forward' does not take one float32 or uint8 tensor");
  }
  type_ = info->scalar_type();
  const auto sizes = info->sizes();
  const auto order = info->dim_order();
  if (!is_row_major(order, order.size())) fail(kBadFile, "the input is not row-major");
  sizes_.assign(sizes.begin(), sizes.end());
  dim_order_.assign(order.begin(), order.end());
  strides_.assign(sizes_.size(), 1);
  // 2**40 numbers are more than any phone holds, and far from any overflow.
  size_t elements = 1;
  for (size_t at = sizes_.size(); at-- > 0;) {
    if (sizes_[at] < 0) fail(kBadFile, "the input has a negative size");
    strides_[at] = static_cast<executorch::aten::StridesType>(elements);
    elements *= static_cast<size_t>(sizes_[at]);
    if (elements > size_t{1} << 40) fail(kBadFile, "the input is of no sensible size");
  }
  input_.resize(elements * executorch::runtime::elementSize(type_));
}

void Model::load_method() {
  const Result<MethodMeta> meta = program_->method_meta(kMethod);
  if (!meta.ok()) refuse("looking for method 'forward'", meta.error(), kBadFile);
  plan_memory(meta.get());
  auto* planned = new HierarchicalAllocator({planned_.data(), planned_.size()});
  auto* manager = new MemoryManager(&method_arena_, planned, &temp_arena_);
  Result<Method> method = program_->load_method(kMethod, manager);
  if (!method.ok()) refuse("loading method 'forward'", method.error(), kBadFile);
  method_ = new Method(std::move(method.get()));
  describe_input(meta.get());
  tensor_ = new TensorImpl(type_, static_cast<ssize_t>(sizes_.size()), sizes_.data(),
                           input_.data(), dim_order_.data(), strides_.data());
}

void Model::set_input(const std::string& path) {
  const size_t wanted = input_.size();
  FILE* file = std::fopen(path.c_str(), "rbe");
  struct stat status;
  if (file == nullptr || ::fstat(::fileno(file), &status) != 0) {
    fail(kBadInput, path + " cannot be read: " + std::strerror(errno));
  }
  if (static_cast<size_t>(status.st_size) != wanted) {
    fail(kBadInput, path + " holds " + std::to_string(status.st_size) + " bytes, the model takes " +
                        std::to_string(wanted));
  }
  if (std::fread(input_.data(), 1, wanted, file) != wanted) {
    fail(kBadInput, path + " cannot be read: " + std::strerror(errno));
  }
  std::fclose(file);
  set_input_again();
}

void Model::set_input_again() {
  const Error error = method_->set_input(EValue(Tensor(tensor_)), 0);
  if (error != Error::Ok) refuse("setting the input", error, kFailed);
}

void Model::execute() {
  const Error error = method_->execute();
  if (error != Error::Ok) refuse("executing method 'forward'", error, kFailed);
}

const void* Model::output_bytes(size_t* bytes) {
  *bytes = 0;
  if (method_->outputs_size() == 0 || !method_->get_output(0).isTensor()) return nullptr;
  const Tensor& tensor = method_->get_output(0).toTensor();
  *bytes = tensor.nbytes();
  return tensor.const_data_ptr();
}

Values Model::output() {
  if (method_->outputs_size() == 0 || !method_->get_output(0).isTensor()) {
    fail(kBadFile, "method 'forward' returns no tensor");
  }
  const Tensor& tensor = method_->get_output(0).toTensor();
  if (!is_known(tensor.scalar_type())) {
    fail(kBadFile, "method 'forward' does not return float32 or uint8");
  }
  if (!is_row_major(tensor.dim_order(), static_cast<size_t>(tensor.dim()))) {
    fail(kBadFile, "the output is not row-major");
  }
  return {tensor.const_data_ptr(), static_cast<size_t>(tensor.numel()),
          tensor.scalar_type() == ScalarType::Float};
}

}  // namespace mobilesr
