#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "net/counter.h"

/// Latency histograms: one writer each, summed over the workers at scrape.
///
/// The bounds contain those that are exported (kExportedBounds, the buckets of the metrics'
/// contract) and finer ones between them, so that a quantile read from them is within 20 % (above
/// 10 us) while the export stays small.
namespace ringcache::net {

/// Upper bounds, inclusive, in nanoseconds. A last bucket takes what is longer.
inline constexpr std::array<std::uint64_t, 52> kHistogramBoundsNs = {
    1'000,         2'000,         5'000,        10'000,      12'500,      15'000,      20'000,
    25'000,        30'000,        40'000,       50'000,      60'000,      80'000,      100'000,
    125'000,       150'000,       200'000,      250'000,     300'000,     400'000,     500'000,
    600'000,       800'000,       1'000'000,    1'250'000,   1'500'000,   2'000'000,   2'500'000,
    3'000'000,     4'000'000,     5'000'000,    6'000'000,   8'000'000,   10'000'000,  12'500'000,
    15'000'000,    20'000'000,    25'000'000,   30'000'000,  40'000'000,  50'000'000,  60'000'000,
    80'000'000,    100'000'000,   125'000'000,  150'000'000, 200'000'000, 250'000'000, 500'000'000,
    1'000'000'000, 2'000'000'000, 5'000'000'000};
inline constexpr std::size_t kHistogramBuckets = kHistogramBoundsNs.size() + 1;

/// What /metrics shows: 50 us to 1 s.
inline constexpr std::array<std::uint64_t, 13> kExportedBoundsNs = {
    50'000,     100'000,    250'000,    500'000,     1'000'000,   2'500'000,    5'000'000,
    10'000'000, 25'000'000, 50'000'000, 100'000'000, 250'000'000, 1'000'000'000};

namespace detail {
/// For each power of two, the first bucket that a value of that bit width can fall into.
consteval std::array<std::uint8_t, 65> first_buckets() {
  std::array<std::uint8_t, 65> first{};
  for (std::size_t width = 0; width <= 64; ++width) {
    const std::uint64_t smallest = width == 0 ? 0 : std::uint64_t{1} << (width - 1);
    std::size_t bucket = 0;
    while (bucket < kHistogramBoundsNs.size() && kHistogramBoundsNs[bucket] < smallest) ++bucket;
    first[width] = static_cast<std::uint8_t>(bucket);
  }
  return first;
}
inline constexpr auto kFirstBuckets = first_buckets();
}  // namespace detail

/// A plain sum of histograms, or what was read from one.
struct HistogramSnapshot {
  std::array<std::uint64_t, kHistogramBuckets> counts{};
  std::uint64_t sum_ns = 0;

  std::uint64_t count() const;
  HistogramSnapshot& operator+=(const HistogramSnapshot& other);
  /// What was added since `earlier`, an older snapshot of the same sum.
  HistogramSnapshot since(const HistogramSnapshot& earlier) const;
  /// The value below which a share `q` (0 to 1) of the recorded ones lie, in seconds, interpolated
  /// within its bucket; 0 when nothing was recorded.
  double quantile_seconds(double q) const;
};

class Histogram {
 public:
  /// Owner thread only. Three plain stores, no locked instruction.
  void record_ns(std::uint64_t ns, std::uint64_t times = 1) {
    std::size_t bucket = detail::kFirstBuckets[static_cast<std::size_t>(std::bit_width(ns))];
    while (bucket < kHistogramBoundsNs.size() && ns > kHistogramBoundsNs[bucket]) ++bucket;
    counts_[bucket].add(times);
    sum_ns_.add(ns * times);
  }
  /// Any thread. Buckets may be a few events apart from each other and from the sum.
  HistogramSnapshot snapshot() const;

 private:
  std::array<Counter, kHistogramBuckets> counts_;
  Counter sum_ns_;
};

}  // namespace ringcache::net
