// RoutePlan: what the router decided about one command and key. A small value of fixed size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/backend.h"

namespace ringcache::routing {

using PoolIndex = std::uint16_t;
inline constexpr PoolIndex kNoPool = 0xffff;

// Most nodes a plan names: the owner and its stand-ins. Three nodes out at once that follow each
// other for the same key are rare enough to be a miss.
inline constexpr std::size_t kPlanTargetsMax = 4;

enum class RouteMode : std::uint8_t {
  kOne,     // to one node: the owner
  kAll,     // to every node of every pool, draining ones included: flush_all, stats
  kLocal,   // answered by the proxy itself: version, verbosity, quit, mn
  kNoPool,  // no pool takes such keys: an error for the client, of configuration
  kNoNode,  // the pool's ring is empty
};

struct Target {
  PoolIndex pool;
  NodeIndex node;

  bool operator==(const Target&) const = default;
};

struct RoutePlan {
  RouteMode mode = RouteMode::kNoPool;
  std::uint8_t target_count = 0;
  PoolIndex pool = kNoPool;  // whose key it is; a stand-in may be in another pool
  // The owner, and after Router::add_stand_ins() who stands in for it, in order.
  std::array<Target, kPlanTargetsMax> targets{};
  std::uint64_t hash = 0;  // of the key, as the pool's ring takes it

  std::span<const Target> in_order() const { return {targets.data(), target_count}; }
  // REQUIRES: mode is kOne.
  Target owner() const { return targets[0]; }
};
static_assert(sizeof(RoutePlan) == 32, "half a cache line");

}  // namespace ringcache::routing
