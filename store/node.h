// A whole node in one object: store, workers, listener, maintenance, metrics. main.cpp makes one
// from the command line; tests make as many as they like.
//
//   Node node(options);                  throws std::invalid_argument for what the store refuses
//   if (auto error = node.start()) ...   bound() then has the real ports
//   node.drain();                        answers what was asked and stops
//
// Threads: one control thread (the main one) makes, starts, drains and destroys it. Each worker has
// a NodeWorker; the store is shared (store.h). ExecutorHost's calls come from the workers, scrapes
// from the admin server's threads: both only read counters, or take the locks named at the members.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/admin_server.h"
#include "net/clock.h"
#include "net/io_threads.h"
#include "net/listener.h"
#include "net/tls_context.h"
#include "store/executor_host.h"
#include "store/node_certificate_loader.h"
#include "store/node_figures.h"
#include "store/node_maintenance.h"
#include "store/node_memory_preparer.h"
#include "store/node_options.h"
#include "store/node_secrets.h"
#include "store/node_worker.h"
#include "store/store.h"

namespace ringcache::store {

class Node final : private ExecutorHost {
 public:
  // `clock` must outlive the node. Throws std::invalid_argument, naming the option, or
  // std::bad_alloc.
  Node(const NodeOptions& options, NodeSecrets secrets,
       const net::Clock& clock = net::Clock::steady());
  // Reads the secrets itself; throws what read_secrets() does, too.
  explicit Node(const NodeOptions& options, const net::Clock& clock = net::Clock::steady());
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // SIGHUP: reads the files again that -Y and -Z name. What was wrong is logged, and the old
  // ones stay in force.
  void reload();

  // Binds, starts every thread, serves. What went wrong, or nothing.
  [[nodiscard]] std::optional<std::string> start();
  const std::vector<net::Address>& bound() const { return listener_->bound(); }
  // Nothing when metrics are off.
  std::optional<net::Address> metrics_bound() const;

  // Accepts no more, answers what was read, waits for the answers to leave, at most shutdown_grace;
  // then stops. True: every client was answered.
  bool drain();

  const NodeOptions& options() const { return options_; }
  std::size_t threads() const { return threads_.size(); }
  Store& store() { return store_; }
  net::IoThreads& io_threads() { return threads_; }
  NodeMaintenance& maintenance() { return maintenance_; }

 private:
  void append_stats(StatsKind kind, Seconds now, std::string& out) override;
  void reset_stats() override;
  void set_verbosity(std::uint64_t level) override;
  SweepControl& sweep() override { return maintenance_.control(); }
  DumpControl& dumps() override { return dumps_; }
  PrefixCounts& prefix_counts() override { return prefix_counts_; }
  void shut_down() override;
  StoreOptions current_store_options() const;
  std::string_view version() const override;

  net::ListenerOptions listener_options() const;
  std::optional<std::string> start_metrics();
  TlsFigures shown_tls_figures() const;
  NodeFigures figures() const;  // since the start
  void append_connections(Seconds now, std::string& out) const;
  void collect(net::MetricFamilies& metrics) const;

  const NodeOptions options_;
  const net::Clock& clock_;
  const NodeClock node_clock_;
  std::unique_ptr<NodeWatchers> watchers_;  // nullptr with -W; outlives the store
  MemoryPreparer preparer_;                 // outlives the store
  Store store_;
  ValueBudget budget_;
  NodeMaintenance maintenance_;
  DumpControl dumps_;
  PrefixCounts prefix_counts_;
  net::IoThreads threads_;
  const std::shared_ptr<net::TlsContext> tls_;              // nullptr without -Z
  const std::unique_ptr<net::CredentialFile> credentials_;  // nullptr without -Y
  std::vector<std::unique_ptr<NodeWorker>> workers_;        // by index of the thread
  std::unique_ptr<CertificateLoader> certificates_;         // nullptr without -Z
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::AdminServer> admin_;
  std::atomic<bool> accepting_{false};
  std::atomic<unsigned> verbosity_;
  mutable std::mutex reset_mutex_;
  TlsFigures tls_at_reset_;  // under reset_mutex_
  NodeFigures at_reset_;     // counters at the last `stats reset`; under reset_mutex_
};

}  // namespace ringcache::store
