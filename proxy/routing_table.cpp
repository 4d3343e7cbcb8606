#include "proxy/routing_table.h"

#include <algorithm>

namespace ringcache::proxy {

using routing::Backend;
using routing::HealthTracker;
using routing::Pool;
using routing::PoolIndex;
using routing::PoolOptions;

namespace {

bool same_nodes(const PoolOptions& left, const PoolOptions& right) {
  if (left.backends.size() != right.backends.size()) return false;
  for (std::size_t i = 0; i < left.backends.size(); ++i) {
    const Backend& a = left.backends[i];
    const Backend& b = right.backends[i];
    if (a.name != b.name || a.named != b.named || a.address != b.address || a.weight != b.weight ||
        a.drain != b.drain) {
      return false;
    }
  }
  return true;
}

// Whether the ring of one serves for the other; the rest of the options is cheap to copy.
bool same_placement(const PoolOptions& left, const PoolOptions& right) {
  return left.ring == right.ring && left.key_hash() == right.key_hash() &&
         left.hash_tag == right.hash_tag && same_nodes(left, right);
}

std::shared_ptr<const Pool> make_pool(const PoolOptions& options, const RoutingTable* previous) {
  const PoolIndex old =
      previous == nullptr ? routing::kNoPool : previous->router().find_pool(options.name);
  if (old != routing::kNoPool && same_placement(options, previous->pool(old).options())) {
    return std::make_shared<const Pool>(options, previous->pool(old).ring());
  }
  return std::make_shared<const Pool>(options);
}

routing::Router make_router(const ProxyOptions& options, const RoutingTable* previous) {
  std::vector<std::shared_ptr<const Pool>> pools;
  pools.reserve(options.pools.size());
  for (const PoolOptions& pool : options.pools) pools.push_back(make_pool(pool, previous));
  return routing::Router(std::move(pools));
}

// With what is in their buckets, if they are the same.
std::shared_ptr<routing::RateLimits> make_rate_limits(
    const routing::RateLimitOptions& options, const std::shared_ptr<routing::RateLimits>& old) {
  if (!options.limits_anything()) return nullptr;
  if (old != nullptr && old->options() == options) return old;
  return std::make_shared<routing::RateLimits>(options);
}

std::optional<routing::Shadow> make_shadow(const routing::ShadowOptions& options,
                                           const routing::Router& router) {
  if (options.pool.empty()) return std::nullopt;
  return routing::Shadow(options, router.find_pool(options.pool));
}

}  // namespace

RoutingTable::RoutingTable(const ProxyOptions& options, const RoutingTable* previous,
                           HealthTracker::Time now, std::uint64_t generation,
                           const Secrets& secrets)
    : router_(make_router(options, previous)),
      limits_(options.limits),
      generation_(generation),
      credentials_(secrets.credentials),
      secrets_(secrets.pools) {
  secrets_.resize(router_.pool_count());
  if (options.auth) auth_timeout_ = options.auth->timeout;
  // Less would cut off every client that asks for one large value.
  limits_.client_output_bytes = std::max(limits_.client_output_bytes, 2 * limits_.item_bytes);
  for (PoolIndex pool = 0; pool < router_.pool_count(); ++pool) {
    const PoolOptions& pool_options = router_.pool(pool).options();
    const PoolIndex old =
        previous == nullptr ? routing::kNoPool : previous->router().find_pool(pool_options.name);
    const HealthTracker* old_health = old == routing::kNoPool ? nullptr : &previous->health(old);
    health_.push_back(std::make_unique<HealthTracker>(pool_options, old_health, now));
    rate_limits_.push_back(make_rate_limits(
        pool_options.rate_limit, old == routing::kNoPool ? nullptr : previous->rate_limits_[old]));
    replicas_.emplace_back(pool_options, options.zone);
    shadows_.push_back(make_shadow(pool_options.shadow, router_));
    has_shadows_ = has_shadows_ || shadows_.back().has_value();
    first_node_.push_back(node_count_);
    node_count_ += pool_options.backends.size();
  }
}

}  // namespace ringcache::proxy
