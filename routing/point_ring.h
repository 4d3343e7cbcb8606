// PointRing: nodes at points of a circle of 32-bit values; a key belongs to the first point at or
// after its hash, and past the last point to the first.
//
// The compat rings differ only in where they put the points (ring_ketama.h,
// ring_memcached_proxy.h); the lookup is this one.
//
// Lookup cost: one read of a directory that has about as many buckets as there are points, then
// the points of one bucket, on average less than one to skip. So it does not grow with the number
// of nodes, except as the arrays outgrow the caches: 12 to 16 bytes a point.
//
// Immutable after construction: any thread, no lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/backend.h"

namespace ringcache::routing {

struct RingPoint {
  std::uint32_t value;
  NodeIndex node;
};

class PointRing {
 public:
  // The points in any order, also none. Where two have the same value the lower node index wins,
  // as in libmemcached (twemproxy leaves it to qsort).
  explicit PointRing(std::vector<RingPoint> points);

  // The owner of a hash; kNoNode when there are no points.
  NodeIndex owner(std::uint32_t hash) const { return points_[first_point(hash)].node; }

  // The owner and then the other nodes in the order in which the circle meets them, each once, as
  // many as fit into `out`; returns how many. Every point of a node has its own successors, so the
  // keys of a lost node spread over the others.
  std::size_t candidates(std::uint32_t hash, std::span<NodeIndex> out) const;

  // Sorted by value, then by node index.
  std::span<const RingPoint> points() const { return {points_.data(), points_.size() - 1}; }

 private:
  std::size_t first_point(std::uint32_t hash) const {
    std::size_t i = directory_[hash >> directory_shift_];
    while (points_[i].value < hash) ++i;  // ends at the sentinel at the latest
    return i;
  }

  // A sentinel of the highest value and the first point's node ends the array, so that the scan
  // needs no bounds check and the wrap no branch.
  std::vector<RingPoint> points_;
  // directory_[b]: the first point whose value is at least b << directory_shift_.
  std::vector<std::uint32_t> directory_;
  unsigned directory_shift_;
};

}  // namespace ringcache::routing
