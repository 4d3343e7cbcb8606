#include "proxy/proxy_server.h"

#include <algorithm>

#include "net/worker.h"
#include "proxy/client_session.h"
#include "routing/ring_change.h"

namespace ringcache::proxy {

namespace {

// A client's longest command: line, value, CRLF.
std::size_t read_limit(const Limits& limits) {
  return static_cast<std::size_t>(limits.item_bytes) + protocol::kCommandLineBytesMax +
         2 * protocol::kCrlf.size();
}

net::ListenerOptions listener_options(const ProxyOptions& options,
                                      std::shared_ptr<net::TlsContext> tls) {
  net::ListenerOptions listener;
  listener.tls = std::move(tls);
  for (std::string_view text : options.listen) {
    const bool with_tls = text.starts_with(kTlsListenPrefix);
    if (with_tls) text.remove_prefix(kTlsListenPrefix.size());
    net::Address address;
    std::string error;  // config/ has read them before
    if (!net::Address::parse(text, address, error)) continue;
    (with_tls ? listener.addresses : listener.plain_addresses).push_back(address);
  }
  const Limits& limits = options.limits;
  listener.connections_max = limits.client_connections;
  listener.connection.read_limit_bytes = read_limit(limits);
  listener.connection.output_high_bytes =
      static_cast<std::size_t>(limits.client_output_bytes) / ClientSession::kOutputHighDivisor;
  listener.connection.output_low_bytes = listener.connection.output_high_bytes / 4;
  listener.connection.idle_timeout = limits.client_idle;
  return listener;
}

routing::HealthTracker::Time steady_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::nanoseconds(net::Clock::steady().now()));
}

double unix_now_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A reload says what it cannot apply, and goes on with what is.
void keep_what_needs_restart(const ProxyOptions& running, ProxyOptions& options) {
  options.listen = running.listen;
  // Which addresses have TLS is said there.
  if (running.tls.has_value() != options.tls.has_value()) options.tls = running.tls;
  if (running.tls) options.tls->handshake_timeout = running.tls->handshake_timeout;
  options.threads = running.threads;
  options.busy_poll_us = running.busy_poll_us;
  options.admin = running.admin;
  options.reload_watch = running.reload_watch;
  options.limits.client_connections = running.limits.client_connections;
  options.limits.item_bytes = running.limits.item_bytes;
  options.limits.client_idle = running.limits.client_idle;
  options.limits.client_output_bytes = running.limits.client_output_bytes;
}

std::vector<PoolChange> changes(const RoutingTable& before, const RoutingTable& after) {
  std::vector<PoolChange> result;
  for (routing::PoolIndex pool = 0; pool < after.pool_count(); ++pool) {
    const std::string& name = after.pool(pool).options().name;
    const routing::PoolIndex old = before.router().find_pool(name);
    if (old == routing::kNoPool) continue;
    result.push_back(
        {name, routing::remapped_ratio(before.pool(old).ring(), after.pool(pool).ring())});
  }
  return result;
}

}  // namespace

ProxyServer::ProxyServer(ProxyOptions options, Secrets secrets)
    : options_(std::move(options)),
      tls_(std::move(secrets.client_tls)),
      threads_({.count = options_.threads,
                .name = "proxy",
                .clock = nullptr,
                .busy_poll = std::chrono::microseconds(options_.busy_poll_us)}),
      started_(std::chrono::steady_clock::now()) {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    workers_.push_back(std::make_unique<ProxyWorker>(threads_[i], *this, epochs_, large_keys_));
  }
  listener_ = std::make_unique<net::Listener>(
      threads_, listener_options(options_, tls_),
      [this](net::Connection& connection) { return make_session(connection); });
  table_ = std::make_shared<const RoutingTable>(options_, nullptr, steady_now(), 1, secrets);
}

// Sessions end on their workers first; then nobody runs and the workers' parts can go.
ProxyServer::~ProxyServer() {
  listener_->stop();
  threads_.stop();
  threads_.join();
  workers_.clear();
}

std::optional<std::string> ProxyServer::start() {
  if (auto error = threads_.start()) return error;
  install(table_);
  if (auto error = listener_->start()) return error;
  // One worker asks every node at once who is there; the others connect when they need to.
  threads_.post(0, [this] { workers_[0]->upstreams().connect_all(); });
  {
    const std::lock_guard lock(mutex_);
    last_reload_unix_s_ = unix_now_s();
  }
  serving_ = true;
  return std::nullopt;
}

void ProxyServer::install(const RoutingTablePtr& table) {
  threads_.run_on_all(
      [this, &table](net::Worker& worker) { workers_[worker.index()]->adopt(table); });
}

std::vector<PoolChange> ProxyServer::apply(ProxyOptions options, const Secrets& secrets) {
  const RoutingTablePtr before = table();
  keep_what_needs_restart(options_, options);
  const auto after = std::make_shared<const RoutingTable>(options, before.get(), steady_now(),
                                                          before->generation() + 1, secrets);
  if (tls_ && secrets.client_tls) tls_->take(*secrets.client_tls);
  install(after);
  threads_.post(0, [this] { workers_[0]->upstreams().connect_all(); });
  std::vector<PoolChange> moved = changes(*before, *after);
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
  table_ = after;
  last_change_ = moved;
  ++reloads_[static_cast<std::size_t>(ReloadResult::kApplied)];
  last_reload_good_ = true;
  last_reload_unix_s_ = unix_now_s();
  return moved;
}

void ProxyServer::count_reload(ReloadResult result) {
  const std::lock_guard lock(mutex_);
  ++reloads_[static_cast<std::size_t>(result)];
  last_reload_good_ = result != ReloadResult::kRejected;
  if (last_reload_good_) last_reload_unix_s_ = unix_now_s();
}

bool ProxyServer::drain() {
  serving_ = false;
  return listener_->drain(options_.limits.shutdown_grace);
}

std::unique_ptr<net::ConnectionHandler> ProxyServer::make_session(net::Connection& connection) {
  return std::make_unique<ClientSession>(*workers_[connection.worker().index()], connection);
}

RoutingTablePtr ProxyServer::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

net::Readiness ProxyServer::readiness() const {
  if (!serving_) return {false, "starting or draining"};
  const RoutingTablePtr table = this->table();
  for (routing::PoolIndex pool = 0; pool < table->pool_count(); ++pool) {
    const routing::HealthTracker& health = table->health(pool);
    for (std::size_t node = 0; node < health.node_count(); ++node) {
      if (health.state(static_cast<routing::NodeIndex>(node)) == routing::NodeState::kUp) {
        return {true, "ready"};
      }
    }
  }
  return {false, "no pool has a live node"};
}

net::HitRatio& ProxyServer::hit_ratio(const std::string& pool) const {
  const std::lock_guard lock(mutex_);
  auto& ratio = hit_ratios_[pool];
  if (!ratio) ratio = std::make_unique<net::HitRatio>();
  return *ratio;
}

}  // namespace ringcache::proxy
