#include "events.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "failure.h"

namespace mobilesr {
namespace {

int g_stream = STDOUT_FILENO;
constexpr size_t kMaxText = 2000;

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (size_t at = 0; at < value.size() && at < kMaxText; ++at) {
    const unsigned char c = static_cast<unsigned char>(value[at]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else {
      // Bytes beyond ASCII may be no UTF-8, and a path with them is known to who gave it.
      out += c >= 0x20 && c < 0x7f ? static_cast<char>(c) : '?';
    }
  }
  return out + "\"";
}

std::string decimal(double value) {
  char text[64];
  // JSON has no word for what is no number; and no reading of ours should be one.
  std::snprintf(text, sizeof text, "%.6f", std::isfinite(value) ? value : 0.0);
  return text;
}

}  // namespace

void open_events() {
  const int copy = ::dup(STDOUT_FILENO);
  if (copy < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    std::perror("runner: stdout");
    std::exit(2);
  }
  g_stream = copy;
}

Event::Event(const char* name) : line_("{\"event\": \"") {
  line_ += name;
  line_ += '"';
}

void Event::key(const char* name) {
  line_ += ", \"";
  line_ += name;
  line_ += "\": ";
}

Event& Event::text(const char* name, const std::string& value) {
  key(name);
  line_ += quoted(value);
  return *this;
}

Event& Event::texts(const char* name, const std::vector<std::string>& values) {
  key(name);
  line_ += '[';
  for (size_t at = 0; at < values.size(); ++at) {
    if (at > 0) line_ += ", ";
    line_ += quoted(values[at]);
  }
  line_ += ']';
  return *this;
}

Event& Event::number(const char* name, double value) {
  key(name);
  line_ += decimal(value);
  return *this;
}

Event& Event::integer(const char* name, int64_t value) {
  key(name);
  line_ += std::to_string(value);
  return *this;
}

Event& Event::boolean(const char* name, bool value) {
  key(name);
  line_ += value ? "true" : "false";
  return *this;
}

Event& Event::numbers(const char* name, const std::vector<double>& values) {
  key(name);
  line_ += '[';
  for (size_t at = 0; at < values.size(); ++at) {
    if (at > 0) line_ += ", ";
    line_ += decimal(values[at]);
  }
  line_ += ']';
  return *this;
}

Event& Event::integers(const char* name, const int64_t* values, size_t count) {
  key(name);
  line_ += '[';
  for (size_t at = 0; at < count; ++at) {
    if (at > 0) line_ += ", ";
    line_ += std::to_string(values[at]);
  }
  line_ += ']';
  return *this;
}

void Event::emit() {
  line_ += "}\n";
  const char* next = line_.data();
  size_t left = line_.size();
  while (left > 0) {
    const ssize_t written = ::write(g_stream, next, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) std::_Exit(2);
    next += written;
    left -= static_cast<size_t>(written);
  }
}

std::string error_words(const char* what, uint32_t code) {
  char text[160];
  std::snprintf(text, sizeof text, "%s: ExecuTorch error 0x%02x", what, code);
  return text;
}

void fail(const char* kind, const std::string& message) {
  Event("error").text("kind", kind).text("message", message).emit();
  // Threads of the pool may be at work: no destructors.
  std::_Exit(1);
}

}  // namespace mobilesr
