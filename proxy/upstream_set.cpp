#include "proxy/upstream_set.h"

#include <algorithm>

namespace ringcache::proxy {

using routing::NodeIndex;
using routing::PoolIndex;
using routing::Target;

namespace {

UpstreamSettings settings_of(const RoutingTable& table, Target target, std::uint32_t connection) {
  const routing::PoolOptions& pool = table.pool(target.pool).options();
  const routing::Backend& node = pool.backends[target.node];
  return {.pool = pool.name,
          .node = node.name,
          .address = node.address,
          .connection_index = connection,
          .timeouts = pool.timeouts,
          .probe_interval = pool.health.interval,
          .probe_timeout = pool.health.timeout,
          .fall = pool.health.fall,
          .pending_max = table.limits().pending_per_node,
          .pending_bytes_max = table.limits().pending_bytes_per_node,
          .item_bytes_max = table.limits().item_bytes,
          .secrets = table.secrets(target.pool)};
}

}  // namespace

void UpstreamSet::adopt(const RoutingTablePtr& table) {
  table_ = table;
  slots_.clear();
  std::vector<Owned> old = std::move(upstreams_);
  upstreams_.clear();
  for (PoolIndex pool = 0; pool < table->pool_count(); ++pool) {
    const std::size_t nodes = table->pool(pool).options().backends.size();
    for (std::size_t node = 0; node < nodes; ++node) {
      add_node({pool, static_cast<NodeIndex>(node)}, old);
    }
  }
  for (Owned& upstream : old) {
    if (!upstream) continue;
    Upstream& leaving = *upstream;
    retired_.push_back(std::move(upstream));
    leaving.retire([](void* set) { static_cast<UpstreamSet*>(set)->drop_gone(); }, this);
  }
  drop_gone();
}

// A table of n nodes is compared with the n before it; linear when the order is the same, as it
// almost always is.
UpstreamSet::Owned UpstreamSet::take_old(std::vector<Owned>& old,
                                         const UpstreamSettings& settings) {
  const std::size_t guess = upstreams_.size();
  if (guess < old.size() && old[guess] && same_node(old[guess]->settings(), settings)) {
    return std::move(old[guess]);
  }
  for (Owned& upstream : old) {
    if (upstream && same_node(upstream->settings(), settings)) return std::move(upstream);
  }
  return nullptr;
}

void UpstreamSet::add_node(Target target, std::vector<Owned>& old) {
  const routing::PoolOptions& pool = table_->pool(target.pool).options();
  const std::uint32_t count = std::max(1u, pool.connections_per_node);
  slots_.push_back({static_cast<std::uint32_t>(upstreams_.size()), count});
  for (std::uint32_t connection = 0; connection < count; ++connection) {
    UpstreamSettings settings = settings_of(*table_, target, connection);
    Owned upstream = take_old(old, settings);
    if (!upstream) {
      NodeCounters& counters = counters_.node(settings.pool, settings.node);
      upstream = std::make_unique<Upstream>(worker_, std::move(settings), counters);
    } else {
      upstream->update(std::move(settings));
    }
    upstream->set_table(table_, target);
    upstreams_.push_back(std::move(upstream));
  }
}

void UpstreamSet::connect_all() {
  for (const Owned& upstream : upstreams_) upstream->connect_early();
}

void UpstreamSet::drop_gone() {
  std::erase_if(retired_, [](const Owned& upstream) { return upstream->gone(); });
}

}  // namespace ringcache::proxy
