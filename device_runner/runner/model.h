// One loaded `.pte`: its program, its method `forward`, and the memory they live in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <executorch/runtime/core/hierarchical_allocator.h>
#include <executorch/runtime/executor/memory_manager.h>
#include <executorch/runtime/executor/method.h>
#include <executorch/runtime/executor/program.h>

#include "mapped_file.h"
#include "memory.h"
#include "outputs.h"

namespace mobilesr {

// Used in the order of its methods, each once save the last five. Failures end the process.
class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  void load_program(const std::string& path);
  void load_method();

  // Reads raw numbers of the input's type, exactly as many as it has.
  void set_input(const std::string& path);
  // Sets it once more. Due before every execution: the planned memory of an input is a kernel's to
  // use again as soon as nobody needs the input any more.
  void set_input_again();
  void execute();
  // The first output, float32 or uint8, valid until the next `execute`.
  Values output();
  // Its bytes, whatever they are; null where it is no tensor.
  const void* output_bytes(size_t* bytes);

 private:
  void plan_memory(const executorch::runtime::MethodMeta& meta);
  void describe_input(const executorch::runtime::MethodMeta& meta);

  MappedFile file_;
  GrowingArena method_arena_;
  GrowingArena temp_arena_;
  std::vector<executorch::runtime::Span<uint8_t>> planned_;
  std::vector<executorch::aten::SizesType> sizes_;
  std::vector<executorch::aten::DimOrderType> dim_order_;
  std::vector<executorch::aten::StridesType> strides_;
  executorch::aten::ScalarType type_ = executorch::aten::ScalarType::Float;
  std::vector<uint8_t> input_;
  // Never freed: the process ends first, and a damaged program must not be torn down.
  executorch::runtime::Program* program_ = nullptr;
  executorch::runtime::Method* method_ = nullptr;
  executorch::aten::TensorImpl* tensor_ = nullptr;
};

}  // namespace mobilesr
