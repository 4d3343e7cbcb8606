#pragma once

// What the connections of one thread share: buffers, randomness, the clock of this turn of the
// event loop, counters and latencies. Used by that thread alone; main reads it after the join.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/counters.h"
#include "tests/bench/histogram.h"
#include "tests/bench/random.h"
#include "tests/bench/request_encoder.h"
#include "tests/bench/workload.h"

namespace ringcache::bench {

/// Where new requests come from.
enum class LoadMode : std::uint8_t {
  kPreload,    // sets of preload_next .. preload_end
  kClosed,     // the next request when the last is answered
  kScheduled,  // each request at its own time, whatever the server does
  kDrain,      // none but those that are due already
};

/// The interval that is measured, in the steady clock's nanoseconds: [start, end).
struct MeasuredWindow {
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
};

struct LoadThread {
  static constexpr std::size_t kReadBytes = 256 * 1024;
  static constexpr std::size_t kWriteBytes = 64 * 1024;  // one more request may follow

  LoadThread(const Workload& load, unsigned thread_index)
      : workload(load),
        index(thread_index),
        encoder(load),
        random(load.options.seed * kGoldenGamma + thread_index),
        version(thread_index << 24),
        read_buffer(kReadBytes),
        write_buffer(kWriteBytes + std::max(encoder.get_bytes_max(), encoder.set_bytes_max())) {}

  /// When the k-th request of this thread is due, at a fixed rate.
  std::uint64_t intended_ns(std::uint64_t k) const {
    const LoadOptions& options = workload.options;
    const double ordinal = static_cast<double>(k) * options.threads + index;
    return schedule_start_ns + static_cast<std::uint64_t>(ordinal * 1e9 / options.rate);
  }

  /// Counts the latency of a request that began (or should have begun) at start_ns. Flat out a
  /// request belongs to the window in which it was answered, so that the count is the throughput;
  /// at a fixed rate to the one in which it was due, so that a late answer still counts.
  void record(Histogram& latency, std::uint64_t start_ns) {
    const std::uint64_t belongs_ns = scheduled ? start_ns : now_ns;
    if (belongs_ns < window.start_ns || belongs_ns >= window.end_ns) return;
    latency.record(now_ns > start_ns ? now_ns - start_ns : 0);
  }

  /// Keeps the first thing that went wrong, for the report.
  void note(std::string_view what) {
    if (first_problem.empty()) first_problem = what;
  }

  const Workload& workload;
  const unsigned index;
  RequestEncoder encoder;
  Random random;
  std::uint32_t version;  // of the next value written; threads start far apart
  LoadMode mode = LoadMode::kClosed;
  bool scheduled = false;
  MeasuredWindow window;
  std::uint64_t schedule_start_ns = 0;
  std::uint64_t now_ns = 0;
  std::uint64_t preload_next = 0;
  std::uint64_t preload_end = 0;
  std::uint64_t outstanding = 0;  // requests of all connections that await an answer
  std::vector<char> read_buffer;
  std::vector<char> write_buffer;
  Counters counters;
  Histogram get_latency;
  Histogram set_latency;
  std::string first_problem;
};

}  // namespace ringcache::bench
