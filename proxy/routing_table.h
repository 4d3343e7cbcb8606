// RoutingTable: everything a request needs to know of the configuration, as one immutable value.
//
// A reload makes a new table, complete and checked, and every worker swaps its pointer; requests in
// flight are not touched by that. Shared by all workers through shared_ptr. Only the health
// trackers and the token buckets inside change, and those are made for it (routing/health.h,
// rate_limit.h); buckets whose options did not change go on from one table to the next.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/proxy_options.h"
#include "proxy/secrets.h"
#include "routing/health.h"
#include "routing/rate_limit.h"
#include "routing/replicas.h"
#include "routing/router.h"
#include "routing/shadow.h"

namespace ringcache::proxy {

class RoutingTable {
 public:
  // REQUIRES: options that config/ found no error in. `previous` may be null; pools whose options
  // did not change and the health of nodes that stay are taken over from it. `now`: steady time.
  // `secrets`: of the same options, or none at all.
  // Building a native ring takes tens of milliseconds, so this is never called on a worker.
  RoutingTable(const ProxyOptions& options, const RoutingTable* previous,
               routing::HealthTracker::Time now, std::uint64_t generation,
               const Secrets& secrets = {});

  const routing::Router& router() const { return router_; }
  const Limits& limits() const { return limits_; }
  // Counts up with every applied reload, from 1.
  std::uint64_t generation() const { return generation_; }

  // nullptr: clients need no password.
  const std::shared_ptr<const net::Credentials>& credentials() const { return credentials_; }
  // In which a client must have given its password; 0: any time.
  std::chrono::milliseconds auth_timeout() const { return auth_timeout_; }
  const PoolSecrets& secrets(routing::PoolIndex index) const { return secrets_[index]; }

  std::size_t pool_count() const { return router_.pool_count(); }
  const routing::Pool& pool(routing::PoolIndex index) const { return router_.pool(index); }
  routing::HealthTracker& health(routing::PoolIndex index) const { return *health_[index]; }
  // Null: the pool has no limits.
  routing::RateLimits* rate_limits(routing::PoolIndex index) const {
    return rate_limits_[index].get();
  }

  // Nothing: its requests are not copied.
  const std::optional<routing::Shadow>& shadow(routing::PoolIndex index) const {
    return shadows_[index];
  }
  bool has_shadows() const { return has_shadows_; }

  const routing::Replicas& replicas(routing::PoolIndex index) const { return replicas_[index]; }

  // All nodes of all pools numbered through: a dense index for per-worker arrays.
  std::size_t node_count() const { return node_count_; }
  std::size_t flat_index(routing::Target target) const {
    return first_node_[target.pool] + target.node;
  }

 private:
  routing::Router router_;
  Limits limits_;
  std::uint64_t generation_;
  std::shared_ptr<const net::Credentials> credentials_;
  std::chrono::milliseconds auth_timeout_{0};
  std::vector<PoolSecrets> secrets_;  // by PoolIndex
  std::vector<std::unique_ptr<routing::HealthTracker>> health_;
  std::vector<std::shared_ptr<routing::RateLimits>> rate_limits_;
  std::vector<std::optional<routing::Shadow>> shadows_;
  bool has_shadows_ = false;
  std::vector<routing::Replicas> replicas_;
  std::vector<std::size_t> first_node_;
  std::size_t node_count_ = 0;
};

using RoutingTablePtr = std::shared_ptr<const RoutingTable>;

}  // namespace ringcache::proxy
