#pragma once

// Replays a trace as an application with a cache beside its database would: get, and on a miss
// set, one request after the other on one connection. The hit rate is then the cache's alone, with
// no race between clients in it.

#include <cstdint>
#include <string>

#include "tests/bench/counters.h"
#include "tests/bench/endpoint.h"
#include "tests/bench/trace_reader.h"

namespace ringcache::bench {

struct ReplayResult {
  Counters counters;  // gets, hits, misses, stored, not_stored, error_replies, wrong values
  double seconds = 0;
  std::string problem;  // the first refusal or wrong value
  std::string failure;  // why the replay stopped early; empty if it did not

  bool failed(bool allow_errors) const {
    return !failure.empty() || counters.wrong() > 0 ||
           (!allow_errors && counters.error_replies > 0);
  }
};

/// Blocks until the trace is at its end or something is wrong with it or the server.
ReplayResult replay_trace(TraceReader& trace, const Endpoint& server);

}  // namespace ringcache::bench
