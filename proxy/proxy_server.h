// ProxyServer: the proxy as a whole: worker threads, listener, routing table, counters.
//
//   main ---- start, apply, drain ----> ProxyServer ---- posts ----> ProxyWorker, one a thread
//   admin HTTP --- collect, readiness, status ---^
//
// start(), apply() and drain() are called by the main thread only; what is const may be called by
// any thread. The table is replaced whole: apply() builds the new one, then every worker swaps its
// pointer, and apply() returns when all have.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/admin_server.h"
#include "net/hit_ratio.h"
#include "net/io_threads.h"
#include "net/listener.h"
#include "net/metrics.h"
#include "proxy/proxy_options.h"
#include "proxy/proxy_worker.h"
#include "proxy/routing_table.h"

namespace ringcache::proxy {

// What an attempt to load a configuration came to: the label `result` of config_reloads_total.
enum class ReloadResult : std::uint8_t { kApplied, kUnchanged, kRejected };

// How much of a pool's keys the last reload moved to other nodes.
struct PoolChange {
  std::string pool;
  double moved_share = 0;
};

class ProxyServer {
 public:
  // REQUIRES: options that config/ found no error in.
  // `secrets`: what its files say.
  explicit ProxyServer(ProxyOptions options, Secrets secrets = {});
  ~ProxyServer();
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  // Binds, starts the threads, opens connections to the nodes. An error text or nothing.
  [[nodiscard]] std::optional<std::string> start();
  // The addresses with the ports that were really bound.
  const std::vector<net::Address>& bound() const { return listener_->bound(); }
  // So many of them, the first, have TLS.
  std::size_t tls_bound() const { return listener_->tls_bound(); }

  // Swaps to new pools and limits, certificates and passwords. listen, threads and admin stay as
  // they were.
  std::vector<PoolChange> apply(ProxyOptions options, const Secrets& secrets = {});
  // Counts a reload that came to something else, for the metrics.
  void count_reload(ReloadResult result);

  // Stops accepting, answers what was asked, closes; at most limits.shutdown_grace. True: every
  // client was answered.
  bool drain();

  void collect(net::MetricFamilies& metrics) const;
  net::Readiness readiness() const;
  // Takes the totals for hit_ratio; called once a second, so that the window is there when a scrape
  // asks, and by each scrape.
  void sample_hit_ratios() const;

  std::string stats_proxy() const;  // whole STAT lines and END
  std::string stats_nodes() const;

  RoutingTablePtr table() const;
  net::IoThreads& io_threads() { return threads_; }
  std::size_t worker_count() const { return threads_.size(); }
  const ProxyOptions& options() const { return options_; }

 private:
  friend class ProxyCollector;

  void install(const RoutingTablePtr& table);
  std::unique_ptr<net::ConnectionHandler> make_session(net::Connection& connection);
  net::HitRatio& hit_ratio(const std::string& pool) const;

  ProxyOptions options_;
  const std::shared_ptr<net::TlsContext> tls_;  // nullptr: no TLS for clients
  net::IoThreads threads_;
  WriteEpochs epochs_;
  LargeKeys large_keys_;
  std::vector<std::unique_ptr<ProxyWorker>> workers_;
  std::unique_ptr<net::Listener> listener_;
  const std::chrono::steady_clock::time_point started_;

  mutable std::mutex mutex_;  // of what follows; never taken on the request path
  RoutingTablePtr table_;
  std::vector<PoolChange> last_change_;
  std::array<std::uint64_t, 3> reloads_{};
  bool last_reload_good_ = true;
  double last_reload_unix_s_ = 0;
  mutable std::map<std::string, std::unique_ptr<net::HitRatio>> hit_ratios_;
  std::atomic<bool> serving_{false};
};

}  // namespace ringcache::proxy
