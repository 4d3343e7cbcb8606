#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "net/clock.h"

namespace ringcache::net {

/// The share of hits in the last minute, from two totals that only grow. Time is an input.
///
/// sample() keeps one reading per second and answers over the last 60 s; until 60 s after the first
/// sample, over everything since the totals were 0. Someone calls it once a second; a gap is
/// bridged by the newest reading before the window. Without lookups in the window the ratio is 0.
///
/// Any thread; a mutex inside.
class HitRatio {
 public:
  static constexpr std::size_t kWindowSeconds = 60;

  /// Takes the totals as of `now` and returns the ratio of the window that ends there.
  double sample(SteadyNs now, std::uint64_t hits_total, std::uint64_t misses_total);
  /// The ratio of the last sample().
  double value() const;

 private:
  struct Reading {
    std::int64_t second = -1;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  mutable std::mutex mutex_;
  std::array<Reading, kWindowSeconds + 1> readings_;  ///< ring, by second
  std::int64_t first_second_ = -1;
  double value_ = 0;
};

}  // namespace ringcache::net
