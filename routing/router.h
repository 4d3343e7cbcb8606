// Router: command and key -> RoutePlan. The proxy's routing table.
//
// Immutable and swapped whole on reload: a request keeps the Router it began with. Any thread, no
// lock. plan() allocates nothing and reads no shared state but the table, so whether a node is up
// is not its business: the proxy sends to plan.owner(), whatever HealthTracker (health.h) thinks of
// it. The stand-ins are a second step, add_stand_ins(), so that the common request pays one hash
// and one table read, and only keys of a lost node pay for the order of the others. Failing over is
// not built yet: today only `--route` (explain()) asks for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command.h"
#include "routing/pool.h"
#include "routing/route_plan.h"

namespace ringcache::routing {

// The long form of a plan, for people.
struct RouteExplanation {
  RouteMode mode = RouteMode::kNoPool;  // kOne, kNoPool or kNoNode
  PoolIndex pool = kNoPool;
  std::string prefix;         // the prefix that chose the pool; empty: the pool takes the rest
  std::string hashed;         // the part of the key that is hashed
  std::uint64_t hash = 0;     // as the ring takes it
  std::vector<Target> order;  // the owner, then everyone who can stand in for it
};

class Router {
 public:
  // REQUIRES: check_pools() finds no error in the options of the pools, in this order. No pools at
  // all makes a table in which every key is kNoPool.
  explicit Router(std::vector<std::shared_ptr<const Pool>> pools);

  // Where a command goes. `key` is the key as the node stores it (a base64 meta key is routed by
  // its decoded bytes) and is ignored by commands without one. Targets: the owner alone.
  RoutePlan plan(protocol::Command command, std::string_view key) const;

  // Adds the nodes that stand in for the owner, as the pool's failover says: `next` the following
  // nodes of its own ring, `pool:` the other pool's owner and its followers, `none` nobody.
  // `key` is the plan's. Has no effect on a plan that is not kOne or has its stand-ins already.
  void add_stand_ins(RoutePlan& plan, std::string_view key) const;

  // The plan with all stand-ins, and how it came about. Allocates.
  RouteExplanation explain(std::string_view key) const;

  std::size_t pool_count() const { return pools_.size(); }
  const Pool& pool(PoolIndex index) const { return *pools_[index]; }
  const std::shared_ptr<const Pool>& shared_pool(PoolIndex index) const { return pools_[index]; }
  // The index of the pool of that name, or kNoPool.
  PoolIndex find_pool(std::string_view name) const;

 private:
  struct Prefix {
    std::string text;
    PoolIndex pool;
    // The longest other prefix that this one starts with; kNoParent when there is none.
    std::uint32_t parent;
  };
  static constexpr std::uint32_t kNoParent = 0xffffffff;

  const Prefix* find_prefix(std::string_view key) const;
  PoolIndex pool_of(std::string_view key) const;
  // Writes into `nodes` who stands in for the plan's owner, and into `pool` whose nodes they are.
  std::size_t stand_ins(const RoutePlan& plan, std::string_view key, std::span<NodeIndex> nodes,
                        PoolIndex& pool) const;

  std::vector<std::shared_ptr<const Pool>> pools_;
  std::vector<PoolIndex> stand_in_pools_;  // by pool: of failover `pool:`, else kNoPool
  std::vector<Prefix> prefixes_;           // sorted by text
  PoolIndex rest_ = kNoPool;               // takes the keys no prefix claims
};

}  // namespace ringcache::routing
