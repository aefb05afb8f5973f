// JSON lines on the real stdout, each written whole as it comes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mobilesr {

// Keeps the real stdout for events and sends whatever else prints there to stderr.
void open_events();

// One event: `Event("load").number("ms", 1.5).emit();`
class Event {
 public:
  explicit Event(const char* name);
  Event& text(const char* key, const std::string& value);
  Event& texts(const char* key, const std::vector<std::string>& values);
  Event& number(const char* key, double value);
  Event& integer(const char* key, int64_t value);
  Event& boolean(const char* key, bool value);
  Event& numbers(const char* key, const std::vector<double>& values);
  Event& integers(const char* key, const int64_t* values, size_t count);
  // A reader that is gone ends the process, by SIGPIPE or here.
  void emit();

 private:
  void key(const char* name);
  std::string line_;
};

}  // namespace mobilesr
