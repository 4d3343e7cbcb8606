#include "proxy/upstream_set.h"

#include <algorithm>
#include <iterator>

#include "net/worker.h"

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
          .upload_stall = table.limits().upload_stall,
          .cut_through_bytes = table.limits().cut_through_bytes,
          .window_bytes = table.limits().cut_through_window_bytes,
          .secrets = table.secrets(target.pool)};
}

}  // namespace

UpstreamSet::UpstreamSet(net::Worker& worker, WorkerCounters& counters, LargeKeys& large_keys)
    : worker_(worker), counters_(counters), large_keys_(large_keys), waiting_(worker.timers()) {}

std::vector<UpstreamSet::Owned> UpstreamSet::take_all(OfNodes& of_nodes) {
  std::vector<Owned> taken;
  for (std::vector<Owned>& of_node : of_nodes) {
    std::move(of_node.begin(), of_node.end(), std::back_inserter(taken));
  }
  of_nodes.clear();
  return taken;
}

void UpstreamSet::adopt(const RoutingTablePtr& table) {
  table_ = table;
  slots_.clear();
  std::vector<Owned> old = std::move(upstreams_);
  upstreams_.clear();
  std::vector<Owned> old_large = take_all(large_);
  std::vector<Owned> old_uploads = take_all(uploads_);
  large_.resize(table->node_count());
  uploads_.resize(table->node_count());
  for (PoolIndex pool = 0; pool < table->pool_count(); ++pool) {
    const std::size_t nodes = table->pool(pool).options().backends.size();
    for (std::size_t node = 0; node < nodes; ++node) {
      const Target target{pool, static_cast<NodeIndex>(node)};
      add_node(target, old);
      keep_large(target, old_large, false);
      keep_large(target, old_uploads, true);
    }
  }
  retire_all(old);
  retire_all(old_large);
  retire_all(old_uploads);
  waiting_.wake_all();
  drop_gone();
}

void UpstreamSet::retire_all(std::vector<Owned>& leaving) {
  for (Owned& upstream : leaving) {
    if (!upstream) continue;
    Upstream& gone = *upstream;
    retired_.push_back(std::move(upstream));
    gone.retire([](void* set) { static_cast<UpstreamSet*>(set)->drop_gone(); }, this);
  }
}

// Those beyond a lowered limit are retired.
void UpstreamSet::keep_large(Target target, std::vector<Owned>& old, bool upload) {
  std::vector<Owned>& kept = (upload ? uploads_ : large_)[table_->flat_index(target)];
  for (Owned& upstream : old) {
    if (kept.size() >= table_->limits().large_connections_per_node) return;
    if (!upstream) continue;
    UpstreamSettings settings = large_settings(target, upload);
    if (!same_node(upstream->settings(), settings)) continue;
    upstream->update(std::move(settings));
    upstream->set_table(table_, target);
    kept.push_back(std::move(upstream));
  }
}

UpstreamSettings UpstreamSet::large_settings(Target target, bool upload) {
  UpstreamSettings settings = settings_of(*table_, target, 0);
  settings.large = true;
  settings.upload = upload;
  settings.large_keys = &large_keys_;
  return settings;
}

Upstream& UpstreamSet::add_large(Target target, bool upload) {
  UpstreamSettings settings = large_settings(target, upload);
  NodeCounters& counters = counters_.node(settings.pool, settings.node);
  std::vector<Owned>& of_node = (upload ? uploads_ : large_)[table_->flat_index(target)];
  of_node.push_back(std::make_unique<Upstream>(worker_, std::move(settings), counters));
  Upstream& added = *of_node.back();
  added.set_table(table_, target);
  added.when_free(
      [](void* set, Target free) { static_cast<UpstreamSet*>(set)->waiting_.wake_first(free); },
      this);
  return added;
}

// One that has failed and is not back yet says so at once, which is better than to wait.
Upstream* UpstreamSet::take_for_upload(Target target) {
  std::vector<Owned>& of_node = uploads_[table_->flat_index(target)];
  Upstream* failed = nullptr;
  for (const Owned& upstream : of_node) {
    if (upstream->is_usable() && upstream->is_free()) return upstream.get();
    if (upstream->is_free()) failed = upstream.get();
  }
  if (of_node.size() < table_->limits().large_connections_per_node) {
    return &add_large(target, true);
  }
  return failed;
}

Upstream& UpstreamSet::get_large(Target target, std::size_t client_number) {
  const std::size_t most = table_->limits().large_connections_per_node;
  if (most == 0) return get(target, client_number);
  std::vector<Owned>& of_node = large_[table_->flat_index(target)];
  Upstream* best = nullptr;
  for (const Owned& upstream : of_node) {
    const bool better =
        best == nullptr ||
        (upstream->is_usable() && (!best->is_usable() || upstream->load() < best->load()));
    if (better) best = upstream.get();
  }
  const bool idle = best != nullptr && best->is_usable() && best->load() == 0;
  if (idle || of_node.size() >= most) return *best;
  return add_large(target, false);
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
    settings.large_keys = &large_keys_;
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
