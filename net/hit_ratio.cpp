#include "net/hit_ratio.h"

namespace ringcache::net {

double HitRatio::sample(SteadyNs now, std::uint64_t hits_total, std::uint64_t misses_total) {
  const std::lock_guard lock(mutex_);
  const std::int64_t second = now / 1'000'000'000;
  const std::int64_t window_start = second - static_cast<std::int64_t>(kWindowSeconds);
  // Counting starts at 0, so before there is a reading the window reaches back to the start.
  Reading from;
  for (const Reading& reading : readings_) {
    if (reading.second < 0) continue;
    const bool better = reading.second <= window_start
                            ? from.second > window_start || reading.second > from.second
                            : from.second > window_start && reading.second < from.second;
    if (from.second < 0 || better) from = reading;
  }
  if (first_second_ < 0) first_second_ = second;
  if (first_second_ > window_start) from = Reading{};
  // The first reading of a second stays: later ones of it belong to the window already.
  Reading& own = readings_[static_cast<std::size_t>(second) % readings_.size()];
  if (own.second != second) own = {second, hits_total, misses_total};
  const std::uint64_t hits = hits_total - from.hits;
  const std::uint64_t lookups = hits + (misses_total - from.misses);
  value_ = lookups == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(lookups);
  return value_;
}

double HitRatio::value() const {
  const std::lock_guard lock(mutex_);
  return value_;
}

}  // namespace ringcache::net
