#pragma once

// A whole run: threads, phases (connect, preload, warm-up, measure, drain), and the sums.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/counters.h"
#include "tests/bench/histogram.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/workload.h"

namespace ringcache::bench {

struct LoadResult {
  struct Server {
    pid_t pid;
    ProcessUsage used;  // over the measured interval; rss_bytes at its end
  };

  double preload_s = 0;
  Counters preload;
  double measured_s = 0;
  Counters measured;  // answers within the measured interval
  Counters total;     // of all phases
  Histogram get_latency;
  Histogram set_latency;
  std::vector<Server> servers;
  double own_cpu_s = 0;       // of the load generator over the measured interval
  std::string first_problem;  // of whatever kind; empty if there was none

  /// Something was read that must not be, or not answered, or refused while that is not allowed.
  bool failed(bool allow_errors) const;
};

/// Ends the measured interval now; the run then reports what it has. For signal handlers.
void stop_load() noexcept;

/// Runs it all and blocks meanwhile. Nothing, and the reason in `error`, if the server cannot be
/// connected to or the preload fails.
std::optional<LoadResult> run_load(const Workload& workload, std::string& error);

}  // namespace ringcache::bench
