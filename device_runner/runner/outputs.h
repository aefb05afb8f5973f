// Writes an output as raw float32 or uint8, the way device_runner/launching/protocol.py says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mobilesr {

// Numbers of an output where they lie: float32, else uint8.
struct Values {
  const void* data;
  size_t elements;
  bool is_float;
};

// Clamp to [0, 1], times 255, round half to even; what is no number becomes 0.
uint8_t to_uint8(float value);

// Makes the folder and its parents where they are missing.
void make_output_dir(const std::string& folder);

// Writes FOLDER/out-INDEX.bin and emits its `output` event. `as_uint8` is for float32 alone.
void write_output(const std::string& folder, size_t index, bool as_uint8, const Values& values);

}  // namespace mobilesr
