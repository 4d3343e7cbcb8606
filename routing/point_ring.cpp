#include "routing/point_ring.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace ringcache::routing {

PointRing::PointRing(std::vector<RingPoint> points) : points_(std::move(points)) {
  std::sort(points_.begin(), points_.end(), [](const RingPoint& a, const RingPoint& b) {
    return a.value != b.value ? a.value < b.value : a.node < b.node;
  });
  points_.push_back({.value = std::numeric_limits<std::uint32_t>::max(),
                     .node = points_.empty() ? kNoNode : points_.front().node});

  const unsigned bits = std::clamp(static_cast<unsigned>(std::bit_width(points_.size())), 1U, 24U);
  directory_shift_ = 32 - bits;
  directory_.resize(std::size_t{1} << bits);
  std::size_t point = 0;
  for (std::size_t bucket = 0; bucket < directory_.size(); ++bucket) {
    const std::uint64_t start = std::uint64_t{bucket} << directory_shift_;
    while (points_[point].value < start) ++point;
    directory_[bucket] = static_cast<std::uint32_t>(point);
  }
}

std::size_t PointRing::candidates(std::uint32_t hash, std::span<NodeIndex> out) const {
  const std::span<const RingPoint> ring = points();
  if (ring.empty()) return 0;
  // A few candidates are compared with each other; a full list (--route) takes a set, whose
  // allocation does not matter there.
  constexpr std::size_t kCompareMax = 8;
  std::vector<bool> seen(out.size() > kCompareMax ? std::size_t{kNoNode} : 0);
  std::size_t count = 0;
  const auto is_new = [&](NodeIndex node) {
    if (seen.empty())
      return std::find(out.begin(), out.begin() + count, node) == out.begin() + count;
    return !seen[node];
  };
  std::size_t point = first_point(hash) % ring.size();  // the sentinel is the first point
  for (std::size_t step = 0; step < ring.size() && count < out.size(); ++step) {
    const NodeIndex node = ring[point].node;
    if (is_new(node)) {
      out[count++] = node;
      if (!seen.empty()) seen[node] = true;
    }
    if (++point == ring.size()) point = 0;
  }
  return count;
}

}  // namespace ringcache::routing
