// From the worker's steady clock to the store's seconds and back to Unix time. Plain data, any
// thread.
//
// Like memcached, the node reads the wall clock once, at its start: a wall clock that is set later
// moves neither relative nor absolute expiries.
#pragma once

#include <cstdint>

#include "store/expiry.h"

namespace ringcache::store {

struct NodeClock {
  std::int64_t start_ns = 0;      // of the steady clock, at the start
  std::int64_t start_unix_s = 0;  // of the wall clock, at the same moment

  Seconds seconds(std::int64_t steady_ns) const {
    const std::int64_t elapsed_ns = steady_ns - start_ns;
    if (elapsed_ns <= 0) return kClockStart;
    return kClockStart + static_cast<Seconds>(elapsed_ns / 1'000'000'000);
  }
  // What expiry_from_wire takes: the Unix time at which the store's clock was 0.
  std::int64_t unix_offset() const { return start_unix_s - static_cast<std::int64_t>(kClockStart); }
  std::int64_t unix_s(Seconds at) const { return unix_offset() + at; }
};

}  // namespace ringcache::store
