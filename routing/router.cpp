#include "routing/router.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ringcache::routing {

Router::Router(std::vector<std::shared_ptr<const Pool>> pools) : pools_(std::move(pools)) {
  std::vector<PoolOptions> options;
  for (const auto& pool : pools_) options.push_back(pool->options());
  const std::vector<std::size_t> rest = pools_for_the_rest(options);
  if (!rest.empty()) rest_ = static_cast<PoolIndex>(rest.front());

  for (std::size_t i = 0; i < options.size(); ++i) {
    const auto index = static_cast<PoolIndex>(i);
    for (const std::string& prefix : options[i].prefixes) {
      prefixes_.push_back({.text = prefix, .pool = index, .parent = kNoParent});
    }
    const FailoverOptions& failover = options[i].failover;
    stand_in_pools_.push_back(failover.to == FailoverTo::kPool ? find_pool(failover.pool)
                                                               : kNoPool);
  }
  std::sort(prefixes_.begin(), prefixes_.end(),
            [](const Prefix& a, const Prefix& b) { return a.text < b.text; });
  // Whatever a prefix starts with sorts before it, and what lies between starts with that, too: so
  // the parent is the predecessor or one of the predecessor's ancestors.
  for (std::uint32_t i = 1; i < prefixes_.size(); ++i) {
    std::uint32_t parent = i - 1;
    while (parent != kNoParent && !prefixes_[i].text.starts_with(prefixes_[parent].text)) {
      parent = prefixes_[parent].parent;
    }
    prefixes_[i].parent = parent;
  }
}

PoolIndex Router::find_pool(std::string_view name) const {
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    if (pools_[i]->options().name == name) return static_cast<PoolIndex>(i);
  }
  return kNoPool;
}

const Router::Prefix* Router::find_prefix(std::string_view key) const {
  if (prefixes_.empty()) return nullptr;
  const auto after =
      std::upper_bound(prefixes_.begin(), prefixes_.end(), key,
                       [](std::string_view k, const Prefix& prefix) { return k < prefix.text; });
  // As for the parents: the longest match is the predecessor or one of its ancestors.
  auto candidate = static_cast<std::uint32_t>(after - prefixes_.begin()) - 1;
  while (candidate != kNoParent && !key.starts_with(prefixes_[candidate].text)) {
    candidate = prefixes_[candidate].parent;
  }
  return candidate == kNoParent ? nullptr : &prefixes_[candidate];
}

PoolIndex Router::pool_of(std::string_view key) const {
  const Prefix* prefix = find_prefix(key);
  return prefix != nullptr ? prefix->pool : rest_;
}

RoutePlan Router::plan(protocol::Command command, std::string_view key) const {
  RoutePlan plan;
  switch (protocol::spec(command).command_class) {
    case protocol::CommandClass::kLocal:
      plan.mode = RouteMode::kLocal;
      return plan;
    case protocol::CommandClass::kFanOut:
      plan.mode = RouteMode::kAll;
      return plan;
    default:
      break;
  }
  plan.pool = pool_of(key);
  if (plan.pool == kNoPool) return plan;
  const Pool& pool = *pools_[plan.pool];
  plan.hash = pool.hash(key);
  const NodeIndex owner = pool.ring().owner(plan.hash);
  plan.mode = owner == kNoNode ? RouteMode::kNoNode : RouteMode::kOne;
  if (plan.mode == RouteMode::kOne) {
    plan.targets[0] = {.pool = plan.pool, .node = owner};
    plan.target_count = 1;
  }
  return plan;
}

std::size_t Router::stand_ins(const RoutePlan& plan, std::string_view key,
                              std::span<NodeIndex> nodes, PoolIndex& pool) const {
  pool = plan.pool;
  switch (pools_[plan.pool]->options().failover.to) {
    case FailoverTo::kNone:
      return 0;
    case FailoverTo::kNext: {
      // The ring's list starts with the owner itself: take one more and leave it out.
      const std::size_t count = pools_[pool]->ring().candidates(plan.hash, nodes);
      if (count == 0) return 0;
      std::copy(nodes.begin() + 1, nodes.begin() + static_cast<std::ptrdiff_t>(count),
                nodes.begin());
      return count - 1;
    }
    case FailoverTo::kPool:
      pool = stand_in_pools_[plan.pool];
      if (pool == kNoPool) return 0;
      return pools_[pool]->ring().candidates(pools_[pool]->hash(key), nodes);
  }
  return 0;
}

void Router::add_stand_ins(RoutePlan& plan, std::string_view key) const {
  if (plan.mode != RouteMode::kOne || plan.target_count != 1) return;
  std::array<NodeIndex, kPlanTargetsMax> nodes;
  PoolIndex pool = kNoPool;
  const std::size_t count = stand_ins(plan, key, nodes, pool);
  for (std::size_t i = 0; i < count && plan.target_count < kPlanTargetsMax; ++i) {
    plan.targets[plan.target_count++] = {.pool = pool, .node = nodes[i]};
  }
}

RouteExplanation Router::explain(std::string_view key) const {
  const RoutePlan plan = this->plan(protocol::Command::kGet, key);
  RouteExplanation explanation;
  explanation.mode = plan.mode;
  explanation.pool = plan.pool;
  explanation.hash = plan.hash;
  if (plan.pool == kNoPool) return explanation;
  const Prefix* prefix = find_prefix(key);
  if (prefix != nullptr) explanation.prefix = prefix->text;
  explanation.hashed = hashed_part(key, pools_[plan.pool]->options().hash_tag);
  if (plan.mode != RouteMode::kOne) return explanation;
  explanation.order.push_back(plan.owner());
  std::vector<NodeIndex> nodes(kBackendsMax);
  PoolIndex pool = kNoPool;
  const std::size_t count = stand_ins(plan, key, nodes, pool);
  for (std::size_t i = 0; i < count; ++i) {
    explanation.order.push_back({.pool = pool, .node = nodes[i]});
  }
  return explanation;
}

}  // namespace ringcache::routing
