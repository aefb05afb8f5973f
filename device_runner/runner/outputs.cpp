#include "outputs.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events.h"
#include "failure.h"

namespace mobilesr {

uint8_t to_uint8(float value) {
  const float clamped = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
  // The rounding mode is never changed, so this is half to even.
  return static_cast<uint8_t>(std::nearbyintf(clamped * 255.0f));
}

void make_output_dir(const std::string& folder) {
  for (size_t at = 1; at <= folder.size(); ++at) {
    if (at < folder.size() && folder[at] != '/') continue;
    if (::mkdir(folder.substr(0, at).c_str(), 0777) != 0 && errno != EEXIST) {
      // A parent that may not be written may still exist: only the last one decides.
      if (at == folder.size()) fail(kOutput, folder + ": " + std::strerror(errno));
    }
  }
}

void write_output(const std::string& folder, size_t index, bool as_uint8, const Values& values) {
  std::vector<uint8_t> small;
  const auto* bytes = static_cast<const uint8_t*>(values.data);
  size_t size = values.elements * (values.is_float ? sizeof(float) : 1);
  if (as_uint8 && values.is_float) {
    const auto* floats = static_cast<const float*>(values.data);
    size = values.elements;
    small.resize(size);
    for (size_t at = 0; at < size; ++at) small[at] = to_uint8(floats[at]);
    bytes = small.data();
  }
  const std::string name = "out-" + std::to_string(index) + ".bin";
  const std::string path = folder + "/" + name;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(kOutput, path + ": " + std::strerror(errno));
  for (size_t done = 0; done < size;) {
    const ssize_t written = ::write(file, bytes + done, size - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(kOutput, path + ": " + std::strerror(errno));
    done += static_cast<size_t>(written);
  }
  if (::close(file) != 0) fail(kOutput, path + ": " + std::strerror(errno));
  Event("output")
      .integer("index", static_cast<int64_t>(index))
      .text("name", name)
      .integer("bytes", static_cast<int64_t>(size))
      .emit();
}

}  // namespace mobilesr
