// ProxyServer's figures: the scrape and the `stats` that are the proxy's own.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "net/worker.h"
#include "proxy/access_metrics.h"
#include "proxy/proxy_metrics.h"
#include "proxy/proxy_server.h"
#include "proxy/proxy_version.h"

#ifndef RINGCACHE_REVISION
#define RINGCACHE_REVISION "unknown"
#endif

namespace ringcache::proxy {

using routing::NodeIndex;
using routing::PoolIndex;

namespace {

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

using Workers = std::vector<std::unique_ptr<ProxyWorker>>;

PoolTotals pool_totals(const Workers& workers, const std::string& pool) {
  PoolTotals totals;
  for (const auto& worker : workers) totals.add(worker->counters().pool(pool));
  return totals;
}

NodeTotals node_totals(const Workers& workers, const std::string& pool, const std::string& node) {
  NodeTotals totals;
  for (const auto& worker : workers) totals.add(worker->counters().node(pool, node));
  return totals;
}

// Adds up one field over the workers.
template <typename Field>
std::uint64_t sum(const Workers& workers, Field field) {
  std::uint64_t total = 0;
  for (const auto& worker : workers) total += field(worker->counters()).value();
  return total;
}

void export_clients(net::MetricFamilies& metrics, const Workers& workers,
                    const net::Listener& listener) {
  metrics.gauge("client_connections", "Open connections of clients.",
                number(listener.connections()));
  metrics.gauge("client_connections_max", "Most connections of clients at once.",
                number(listener.connections_max()));
  metrics.counter("client_connections_total", "Connections of clients accepted.",
                  number(listener.accepted_total()));
  metrics.counter("client_connections_rejected_total", "Connections of clients refused.",
                  number(listener.refused_total()), {{"reason", "limit"}});
  metrics.counter("client_connections_rejected_total", "Connections of clients refused.",
                  number(listener.accept_errors_total()), {{"reason", "resources"}});
  metrics.counter("client_read_bytes_total", "Bytes received from clients.",
                  number(sum(
                      workers, [](auto& c) -> auto& { return c.client_read_bytes; })));
  metrics.counter("client_written_bytes_total", "Bytes sent to clients.",
                  number(sum(
                      workers, [](auto& c) -> auto& { return c.client_written_bytes; })));
  for (std::size_t i = 0; i < kProtocolErrorNames.size(); ++i) {
    metrics.counter("protocol_errors_total", "Requests of clients that broke the protocol.",
                    number(sum(
                        workers, [i](auto& c) -> auto& { return c.protocol_errors[i]; })),
                    {{"kind", std::string(kProtocolErrorNames[i])}});
  }
  for (std::size_t i = 0; i < kClientCutNames.size(); ++i) {
    metrics.counter("client_connections_cut_total",
                    "Connections of clients closed for a limit they ran into.",
                    number(sum(
                        workers, [i](auto& c) -> auto& { return c.clients_cut[i]; })),
                    {{"reason", std::string(kClientCutNames[i])}});
  }
  std::array<std::uint64_t, kClientAuthNames.size()> auth{};
  for (std::size_t i = 0; i < auth.size(); ++i) {
    auth[i] = sum(
        workers, [i](auto& c) -> auto& { return c.client_auth[i]; });
  }
  export_client_auth(metrics, auth);
  metrics.counter("stats_rows_dropped_total",
                  "Lines of nodes that found no room in a merged answer to stats.",
                  number(sum(
                      workers, [](auto& c) -> auto& { return c.stats_rows_dropped; })));
}

void export_table(net::MetricFamilies& metrics, const RoutingTable& table, PoolIndex index) {
  const routing::Pool& pool = table.pool(index);
  const std::string& name = pool.options().name;
  metrics.gauge("config_info", "1; the label says how the pool places its keys.", 1,
                {{"pool", name}, {"ring_hash", pool.ring_hash()}});
  std::size_t up = 0;
  for (NodeIndex node = 0; node < pool.options().backends.size(); ++node) {
    const net::Labels labels{{"pool", name}, {"node", pool.backend(node).name}};
    const routing::NodeState state = table.health(index).state(node);
    const bool is_up = state == routing::NodeState::kUp;
    if (is_up) ++up;
    metrics.gauge("node_up", "1 while the node answers.", is_up ? 1 : 0, labels);
    for (std::size_t i = 0; i < routing::kNodeStateNames.size(); ++i) {
      net::Labels of_state = labels;
      of_state.emplace_back("state", std::string(routing::kNodeStateNames[i]));
      metrics.gauge("node_state", "1 for the state that the node is in.",
                    static_cast<std::size_t>(state) == i ? 1 : 0, of_state);
    }
    metrics.gauge("node_weight", "The node's weight on the ring.", pool.backend(node).weight,
                  labels);
    metrics.gauge("node_ring_ownership_ratio", "The node's share of the ring.",
                  pool.ring().shares()[node], labels);
  }
  metrics.gauge("pool_nodes", "Nodes of the pool.", number(pool.options().backends.size()),
                {{"pool", name}});
  metrics.gauge("pool_nodes_up", "Nodes of the pool that answer.", number(up), {{"pool", name}});
}

void stat(std::string& out, std::string_view name, std::string_view value) {
  out.append("STAT ").append(name).append(" ").append(value).append("\r\n");
}
void stat(std::string& out, std::string_view name, std::uint64_t value) {
  stat(out, name, std::to_string(value));
}

}  // namespace

void ProxyServer::collect(net::MetricFamilies& metrics) const {
  metrics.gauge("build_info", "1; the labels say which build this is.", 1,
                {{"version", std::string(kProxyVersion)}, {"revision", RINGCACHE_REVISION}});
  export_clients(metrics, workers_, *listener_);
  if (tls_) export_client_tls(metrics, *tls_, *listener_);
  sample_hit_ratios();
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    metrics.gauge("event_loop_lag_seconds", "How late the worker's last timer ran.",
                  number(threads_[i].stats().lag_ns.value()) / 1e9,
                  {{"worker", std::to_string(i)}});
  }
  const RoutingTablePtr table = this->table();
  for (PoolIndex index = 0; index < table->pool_count(); ++index) {
    const routing::PoolOptions& pool = table->pool(index).options();
    export_table(metrics, *table, index);
    export_node_tls(metrics, *table, index);
    export_pool(metrics, pool.name, pool_totals(workers_, pool.name));
    metrics.gauge("hit_ratio", "Share of keys found by reads in the last 60 seconds.",
                  hit_ratio(pool.name).value(), {{"pool", pool.name}});
    for (const routing::Backend& node : pool.backends) {
      export_node(metrics, pool.name, node.name, node_totals(workers_, pool.name, node.name));
    }
  }
  static constexpr std::array<const char*, 3> kResults{"applied", "unchanged", "rejected"};
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < kResults.size(); ++i) {
    metrics.counter("config_reloads_total", "Attempts to load the configuration again.",
                    number(reloads_[i]), {{"result", kResults[i]}});
  }
  metrics.gauge("config_last_reload_successful", "1 if the last load of the configuration worked.",
                last_reload_good_ ? 1 : 0);
  metrics.gauge("config_last_reload_success_timestamp_seconds",
                "When the configuration was last loaded well.", last_reload_unix_s_);
  for (PoolIndex index = 0; index < table->pool_count(); ++index) {
    const std::string& pool = table->pool(index).options().name;
    const auto change = std::find_if(last_change_.begin(), last_change_.end(),
                                     [&pool](const PoolChange& c) { return c.pool == pool; });
    metrics.gauge("ring_remapped_ratio", "Share of the ring that the last reload moved.",
                  change == last_change_.end() ? 0 : change->moved_share, {{"pool", pool}});
  }
}

void ProxyServer::sample_hit_ratios() const {
  const RoutingTablePtr table = this->table();
  for (PoolIndex index = 0; index < table->pool_count(); ++index) {
    const std::string& pool = table->pool(index).options().name;
    const PoolTotals totals = pool_totals(workers_, pool);
    hit_ratio(pool).sample(net::Clock::steady().now(), totals.hits(), totals.misses());
  }
}

std::string ProxyServer::stats_proxy() const {
  std::string out;
  const auto uptime = std::chrono::steady_clock::now() - started_;
  const RoutingTablePtr table = this->table();
  stat(out, "pid", static_cast<std::uint64_t>(::getpid()));
  stat(out, "version", kProxyVersion);
  stat(
      out, "uptime",
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(uptime).count()));
  stat(out, "threads", threads_.size());
  stat(out, "curr_connections", listener_->connections());
  stat(out, "total_connections", listener_->accepted_total());
  stat(out, "rejected_connections", listener_->refused_total());
  stat(out, "config_generation", table->generation());
  for (PoolIndex index = 0; index < table->pool_count(); ++index) {
    const routing::Pool& pool = table->pool(index);
    const std::string& name = pool.options().name;
    const PoolTotals totals = pool_totals(workers_, name);
    stat(out, name + ":nodes", pool.options().backends.size());
    stat(out, name + ":ring", routing::name(pool.options().ring));
    stat(out, name + ":ring_hash", pool.ring_hash());
    stat(out, name + ":get_hits", totals.hits());
    stat(out, name + ":get_misses", totals.misses());
    stat(out, name + ":in_flight", totals.in_flight);
  }
  return out.append(protocol::kEnd);
}

std::string ProxyServer::stats_nodes() const {
  std::string out;
  const RoutingTablePtr table = this->table();
  for (PoolIndex index = 0; index < table->pool_count(); ++index) {
    const routing::Pool& pool = table->pool(index);
    for (NodeIndex node = 0; node < pool.options().backends.size(); ++node) {
      const std::string& name = pool.backend(node).name;
      const std::string prefix = pool.options().name + ":" + name + ":";
      const NodeTotals totals = node_totals(workers_, pool.options().name, name);
      std::uint64_t errors = 0;
      for (const std::uint64_t count : totals.errors) errors += count;
      stat(out, prefix + "state", routing::name(table->health(index).state(node)));
      stat(out, prefix + "address", pool.backend(node).address);
      stat(out, prefix + "requests", totals.requests);
      stat(out, prefix + "hits", totals.hits);
      stat(out, prefix + "misses", totals.misses);
      stat(out, prefix + "errors", errors);
      stat(out, prefix + "connections", totals.connections);
      stat(out, prefix + "in_flight", totals.in_flight);
    }
  }
  return out.append(protocol::kEnd);
}

}  // namespace ringcache::proxy
