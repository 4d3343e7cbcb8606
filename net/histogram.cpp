#include "net/histogram.h"

#include <algorithm>

namespace ringcache::net {

namespace {

/// Every exported bound is one of ours, so the export adds up whole buckets.
consteval bool exported_bounds_are_bounds() {
  return std::all_of(kExportedBoundsNs.begin(), kExportedBoundsNs.end(), [](std::uint64_t bound) {
    return std::find(kHistogramBoundsNs.begin(), kHistogramBoundsNs.end(), bound) !=
           kHistogramBoundsNs.end();
  });
}
static_assert(exported_bounds_are_bounds());
static_assert(std::is_sorted(kHistogramBoundsNs.begin(), kHistogramBoundsNs.end()));

}  // namespace

std::uint64_t HistogramSnapshot::count() const {
  std::uint64_t total = 0;
  for (const std::uint64_t each : counts) total += each;
  return total;
}

HistogramSnapshot& HistogramSnapshot::operator+=(const HistogramSnapshot& other) {
  for (std::size_t index = 0; index < counts.size(); ++index) counts[index] += other.counts[index];
  sum_ns += other.sum_ns;
  return *this;
}

HistogramSnapshot HistogramSnapshot::since(const HistogramSnapshot& earlier) const {
  HistogramSnapshot added;
  for (std::size_t index = 0; index < counts.size(); ++index) {
    added.counts[index] = counts[index] - std::min(counts[index], earlier.counts[index]);
  }
  added.sum_ns = sum_ns - std::min(sum_ns, earlier.sum_ns);
  return added;
}

double HistogramSnapshot::quantile_seconds(double q) const {
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(count());
  if (rank <= 0) return 0;
  double below = 0;
  for (std::size_t index = 0; index < kHistogramBoundsNs.size(); ++index) {
    const auto here = static_cast<double>(counts[index]);
    if (here > 0 && below + here >= rank) {
      const double low = index == 0 ? 0 : static_cast<double>(kHistogramBoundsNs[index - 1]);
      const auto high = static_cast<double>(kHistogramBoundsNs[index]);
      return (low + (high - low) * (rank - below) / here) * 1e-9;
    }
    below += here;
  }
  return static_cast<double>(kHistogramBoundsNs.back()) *
         1e-9;  // above the last bound: at least it
}

HistogramSnapshot Histogram::snapshot() const {
  HistogramSnapshot snapshot;
  for (std::size_t index = 0; index < counts_.size(); ++index) {
    snapshot.counts[index] = counts_[index].value();
  }
  snapshot.sum_ns = sum_ns_.value();
  return snapshot;
}

}  // namespace ringcache::net
