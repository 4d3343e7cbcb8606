#pragma once

// Makes request traces (trace_reader.h has the format) with a known shape, to see how an eviction
// policy copes with it: keys that are popular by Zipf's law, and, mixed in,
//   scans   runs of keys in order, from a range of their own that is gone through again and again:
//           what a report or a backup does to a cache
//   drift   popularity that moves: now and then a popular key and any other change places
// The same options always make the same trace.

#include <cstdint>
#include <ostream>
#include <string>

#include "tests/bench/value_sizes.h"

namespace ringcache::bench {

struct TraceOptions {
  std::string name = "made";
  std::uint64_t keys = 100'000;  // popular ones, at least 1
  std::uint64_t requests = 1'000'000;
  double zipf = 0.9;              // exponent of their popularity; 0 is uniform
  double scan_share = 0;          // of all requests, in [0, 1)
  std::uint64_t scan_run = 1000;  // keys of one scan, at least 1
  std::uint64_t scan_keys = 0;    // keys that are only scanned; 0 only without scans
  std::uint64_t drift_every = 0;  // requests between two changes of places; 0 is never
  std::uint64_t seed = 1;
  ValueSizes sizes;
};

/// The most keys, popular and scanned together, and the most requests.
inline constexpr std::uint64_t kTraceKeysMax = 100'000'000;
inline constexpr std::uint64_t kTraceRequestsMax = 1'000'000'000;

/// Keeps 4 bytes a request and 8 a key meanwhile. REQUIRES options within what the fields say.
void make_trace(const TraceOptions& options, std::ostream& out);

}  // namespace ringcache::bench
