// Writes an output as raw float32 or as uint8, the way device_runner/launching/protocol.py says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mobilesr {

// Clamp to [0, 1], times 255, round half to even; what is no number becomes 0.
uint8_t to_uint8(float value);

// Makes the folder and its parents where they are missing.
void make_output_dir(const std::string& folder);

// Writes FOLDER/out-INDEX.bin and emits its `output` event.
void write_output(const std::string& folder, size_t index, bool as_uint8, const float* values,
                  size_t elements);

}  // namespace mobilesr
