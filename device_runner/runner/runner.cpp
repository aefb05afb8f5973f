// The native runner: loads one `.pte`, feeds it raw tensors and says what it saw, as JSON lines.
//
// The protocol is described in device_runner/launching/protocol.py; device_runner/devices/host/runner.py speaks the
// same from Python. Only ExecuTorch's low-level API is used, without exceptions and RTTI, so that
// this one source builds against the wheel, an Android prebuilt, or a build of one's own.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <executorch/runtime/platform/runtime.h>

#include "events.h"
#include "failure.h"
#include "kernel_facts.h"
#include "model.h"
#include "options.h"
#include "outputs.h"
#include "repeats.h"
#include "threadpool.h"
#include "version.h"
#include "warmup.h"

namespace mobilesr {
namespace {

constexpr size_t kMaxIterations = 1000000;
constexpr size_t kChunkIterations = 1000;

double ms_since(int64_t begin_ns) { return static_cast<double>(now_ns() - begin_ns) / 1e6; }

// Returns the threads that the pool really has.
size_t set_threads(int wanted) {
  namespace pool = executorch::extension::threadpool;
  if (&pool::get_threadpool == nullptr) {
    fail(kFailed, "this ExecuTorch library exports no thread pool: its threads cannot be set");
  }
  pool::ThreadPool* threads = pool::get_threadpool();
  if (threads == nullptr || !threads->_unsafe_reset_threadpool(static_cast<uint32_t>(wanted))) {
    fail(kFailed, "the thread pool could not be set to " + std::to_string(wanted) + " threads");
  }
  return threads->get_thread_count();
}

int64_t start(const Options& options) {
  if (!options.cpus.empty() && !bind_cpus(options.cpus)) {
    fail(kFailed, "the process cannot be bound to CPUs " + options.cpus);
  }
  executorch::runtime::runtime_init();
  // After the binding, so that the pool's threads inherit it.
  const size_t threads = set_threads(options.threads);
  const int64_t origin_ns = now_ns();
  const std::vector<int64_t> cpus = affinity();
  Event("start")
      .integer("protocol", kProtocolVersion)
      .text("runner", kRunnerName)
      .text("runtime_version", kRuntimeVersion)
      .integer("threads", static_cast<int64_t>(threads))
      .integers("affinity", cpus.data(), cpus.size())
      .emit();
  return origin_ns;
}

void refuse_passed_limit(const char* doing) {
  if (memory_limit_passed()) {
    fail(kOutOfMemory, std::string("out of memory: the limit was passed in ") + doing);
  }
}

void load(const Options& options, Model& model) {
  release_free_memory();
  const double before_mb = rss_mb();
  const bool peak_reset = reset_peak_rss();
  if (options.memory_limit_mb >= 0 && !limit_added_memory(options.memory_limit_mb)) {
    fail(kFailed, "the memory limit could not be set");
  }
  const int64_t begin = now_ns();
  model.load_program(options.model);
  const double program_ms = ms_since(begin);
  const int64_t middle = now_ns();
  model.load_method();
  const double method_ms = ms_since(middle);
  refuse_passed_limit("loading");
  Event("load")
      .number("program_load_ms", program_ms)
      .number("method_load_ms", method_ms)
      .number("rss_before_mb", before_mb)
      .number("rss_after_load_mb", rss_mb())
      .boolean("peak_reset", peak_reset)
      .emit();
}

void see_output(Model& model, OutputWatch& watch) {
  if (!watch.is_due()) return;
  size_t bytes = 0;
  if (const void* output = model.output_bytes(&bytes)) watch.see(output, bytes);
}

void run_inputs(const Options& options, Model& model, OutputWatch& watch) {
  if (!options.output_dir.empty()) make_output_dir(options.output_dir);
  for (size_t index = 0; index < options.inputs.size(); ++index) {
    model.set_input(options.inputs[index]);
    const int64_t begin = now_ns();
    model.execute();
    if (index == 0) {
      Event("first_run").number("ms", ms_since(begin)).emit();
      see_output(model, watch);
    }
    refuse_passed_limit("running");
    if (!options.output_dir.empty()) {
      write_output(options.output_dir, index, options.as_uint8, model.output());
    }
  }
}

void emit_conditions() {
  Event("conditions")
      .numbers("cpu_freq_mhz", cpu_freq_mhz())
      .numbers("temperature_c", temperature_c())
      .emit();
}

void warm_up(const Options& options, Model& model, OutputWatch& watch) {
  std::vector<double> durations;
  while (!may_stop(durations, options.min_warmup, options.max_warmup)) {
    model.set_input_again();
    const int64_t begin = now_ns();
    model.execute();
    durations.push_back(ms_since(begin));
    see_output(model, watch);
  }
  Event("warmup").numbers("ms", durations).boolean("settled", is_settled(durations)).emit();
}

void time_iterations(const Options& options, Model& model, int64_t origin_ns,
                     OutputWatch& watch) {
  std::vector<int64_t> starts;
  std::vector<int64_t> durations;
  const Faults before = faults();
  const double cpu_begin_ms = cpu_time_ms();
  const int64_t hashing_begin_ns = watch.spent_ns();
  const int64_t begin = now_ns();
  int64_t now = begin;
  while (durations.size() < kMaxIterations &&
         (durations.size() < static_cast<size_t>(options.min_iterations) ||
          static_cast<double>(now - begin) < options.min_time_s * 1e9)) {
    model.set_input_again();
    const int64_t from = now_ns();
    model.execute();
    now = now_ns();
    starts.push_back(from - origin_ns);
    durations.push_back(now - from);
    see_output(model, watch);
  }
  // Hashing is one thread's work, while the others sleep.
  const double hashing_ms = static_cast<double>(watch.spent_ns() - hashing_begin_ns) / 1e6;
  const double spent_ms = cpu_time_ms() - cpu_begin_ms - hashing_ms;
  const double cpu_ms = spent_ms > 0.0 ? spent_ms : 0.0;
  const Faults after = faults();
  for (size_t at = 0; at < durations.size(); at += kChunkIterations) {
    const size_t left = durations.size() - at;
    const size_t count = left < kChunkIterations ? left : kChunkIterations;
    Event("iterations")
        .integers("ns", durations.data() + at, count)
        .integers("start_ns", starts.data() + at, count)
        .emit();
  }
  Event("timing")
      .number("cpu_time_ms", cpu_ms)
      .integer("minor_faults", after.minor - before.minor)
      .integer("major_faults", after.major - before.major)
      .emit();
}

void run(const Options& options) {
  const int64_t origin_ns = start(options);
  Model& model = *new Model();
  load(options, model);
  OutputWatch watch;
  run_inputs(options, model, watch);
  if (options.timing) {
    if (options.inputs.size() > 1) model.set_input(options.inputs[0]);
    emit_conditions();
    warm_up(options, model, watch);
    time_iterations(options, model, origin_ns, watch);
    emit_conditions();
  }
  watch.emit();
  Event("memory").number("rss_after_mb", rss_mb()).number("peak_rss_mb", peak_rss_mb()).emit();
  Event("done").emit();
}

}  // namespace
}  // namespace mobilesr

int main(int argc, char** argv) {
  const mobilesr::Options options = mobilesr::parse_options(argc, argv);
  mobilesr::open_events();
  mobilesr::run(options);
  // The pool's threads and the libraries' own teardown say nothing about the candidate.
  std::_Exit(0);
}
