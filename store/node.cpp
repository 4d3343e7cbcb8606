#include "store/node.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include "net/log.h"
#include "store/node_metrics.h"
#include "store/node_peer.h"
#include "store/node_session.h"
#include "store/node_stats.h"
#include "store/node_tls.h"
#include "store/node_version.h"

namespace ringcache::store {

namespace {

// The answers of one connection that may wait to be sent: above it the connection is not read and
// its requests are not executed, until half of it has left.
constexpr std::size_t kOutputHighBytes = 512 * 1024;
constexpr std::size_t kOutputLowBytes = 256 * 1024;

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// Address space reserved at most for a later cache_memlimit. From 16 GiB on chunks would be aligned
// to 16 bytes instead of 8.
constexpr std::size_t kMemoryReserveMax = (std::size_t{16} << 30) - kMiB;

std::size_t physical_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0
             ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page_bytes)
             : 0;
}

StoreOptions store_options(const NodeOptions& options, NodeWatchers* watchers,
                           GrowthCount& growth) {
  StoreOptions store = options.store;
  store.eviction_sink = watchers;
  store.growth = &growth;
  if (store.hash_seed == 0) store.hash_seed = random_seed();
  store.threads_max = static_cast<unsigned>(kThreadsLimit);
  // Room for cache_memlimit: all of the machine's memory, as far as references stay fine.
  store.memory_bytes_max = std::min(physical_memory_bytes(), kMemoryReserveMax);
  return store;
}

// As far as the system lets us.
NodeOptions with_system(NodeOptions options) {
  options.prepare_huge_pages = options.prepare_huge_pages && huge_pages_allowed();
  return options;
}

NodeClock start_clock(const net::Clock& clock) {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {clock.now(), std::chrono::duration_cast<std::chrono::seconds>(wall).count()};
}

std::string_view state_name(SessionState state) {
  switch (state) {
    case SessionState::kValue:
      return "conn_nread";
    case SessionState::kSwallowing:
      return "conn_swallow";
    case SessionState::kWriting:
      return "conn_mwrite";
    case SessionState::kDumping:
      return "conn_dump";
    case SessionState::kWatching:
      return "conn_watch";
    case SessionState::kReading:
      break;
  }
  return "conn_read";
}

}  // namespace

Node::Node(const NodeOptions& options, const net::Clock& clock)
    : Node(options, read_secrets(options), clock) {}

Node::Node(const NodeOptions& options, NodeSecrets secrets, const net::Clock& clock)
    : options_(with_system(options)),
      clock_(clock),
      node_clock_(start_clock(clock)),
      watchers_(options.watch_enabled ? std::make_unique<NodeWatchers>(options.watch) : nullptr),
      store_(store_options(options, watchers_.get(), preparer_.growth())),
      budget_(store_.options().memory_bytes),
      maintenance_(store_, clock, node_clock_, options.sweep),
      prefix_counts_(options.prefix_delimiter, options.prefix_counts_enabled),
      threads_({.count = options.threads, .name = "node", .clock = &clock}),
      tls_(std::move(secrets.tls)),
      credentials_(std::move(secrets.credentials)),
      verbosity_(options.verbosity) {
  if (options_.huge_pages && !store_.prefer_huge_pages()) {
    net::log_warn("-L has no effect: the system has no transparent huge pages");
  }
  if (tls_) {
    certificates_ = std::make_unique<CertificateLoader>(
        *tls_, threads_,
        [this](std::size_t worker, std::uint64_t number, const CertificateLoader::Wrong& wrong) {
          workers_[worker]->finish_refreshes(number, *wrong);
        });
  }
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    workers_.push_back(std::make_unique<NodeWorker>(store_, static_cast<ExecutorHost&>(*this),
                                                    budget_, node_clock_));
    workers_.back()->upload_timeout = options_.upload_timeout;
    workers_.back()->requests_per_turn = options_.requests_per_turn;
    workers_.back()->binary_protocol = options_.binary_protocol;
    workers_.back()->executor.set_rules({.cas = options_.cas_enabled,
                                         .flush_all = options_.flush_enabled,
                                         .dump = options_.dump_enabled,
                                         .shutdown = options_.enable_shutdown});
    workers_.back()->executor.set_prefix_counts(prefix_counts_.add_worker());
    if (watchers_) {
      NodeWorker& worker = *workers_.back();
      worker.watchers = watchers_.get();
      worker.watch_log = &watchers_->add_worker(worker.executor.watched());
      worker.executor.set_watch_log(*worker.watch_log);
    }
    workers_.back()->auth_timeout = options_.auth_timeout;
    workers_.back()->credentials = credentials_.get();
    workers_.back()->certificates = certificates_.get();
  }
  listener_ = std::make_unique<net::Listener>(
      threads_, listener_options(), [this](net::Connection& connection) {
        return std::make_unique<NodeSession>(connection, *workers_[connection.worker().index()]);
      });
  set_verbosity(options.verbosity);
}

Node::~Node() {
  admin_.reset();
  listener_.reset();
  threads_.stop();
  threads_.join();
  if (certificates_) certificates_->stop();
  if (watchers_) watchers_->stop();
  maintenance_.stop();
  preparer_.stop();
}

net::ListenerOptions Node::listener_options() const {
  net::ListenerOptions listener;
  listener.addresses = options_.listen;
  listener.plain_addresses = options_.listen_plain;
  listener.tls = tls_;
  listener.connections_max = options_.connections_max;
  listener.at_limit =
      options_.refuse_at_limit ? net::AtConnectionLimit::kRefuse : net::AtConnectionLimit::kWait;
  listener.backlog = options_.backlog;
  listener.unix_mode = options_.unix_mode;
  listener.connection.read_limit_bytes = kReadLimitBytes;
  listener.connection.output_high_bytes = kOutputHighBytes;
  listener.connection.output_low_bytes = kOutputLowBytes;
  listener.connection.idle_timeout = options_.idle_timeout;
  return listener;
}

std::optional<std::string> Node::start() {
  if (auto error = threads_.start()) return error;
  if (watchers_) watchers_->start(threads_);
  if (certificates_) {
    if (auto error = certificates_->start()) return error;
  }
  if (auto error = start_metrics()) return error;
  if (auto error = listener_->start()) return error;
  maintenance_.start();
  if (options_.prepare_huge_pages) preparer_.start(store_);
  accepting_ = true;
  return std::nullopt;
}

void Node::reload() {
  if (tls_) {
    const auto wrong = tls_->refresh();
    if (wrong) net::log_error("certificates not read again", {{"cause", *wrong}});
    if (!wrong) net::log_info("certificates read again", {{"file", options_.tls.chain_file}});
  }
  if (!credentials_) return;
  if (const auto wrong = credentials_->reload()) {
    net::log_error("passwords not read again, the old ones stay", {{"cause", *wrong}});
  } else {
    net::log_info("passwords read again", {{"file", credentials_->path()}});
  }
}

std::optional<std::string> Node::start_metrics() {
  if (!options_.metrics) return std::nullopt;
  net::AdminOptions admin;
  admin.listen = *options_.metrics;
  admin_ = std::make_unique<net::AdminServer>(admin);
  admin_->set_metrics(options_.metrics_prefix + '_',
                      [this](net::MetricFamilies& metrics) { collect(metrics); });
  admin_->set_readiness([this] {
    const bool ready = accepting_;
    return net::Readiness{ready, ready ? "ready" : "not accepting connections"};
  });
  std::optional<std::string> error = admin_->start();
  if (error) *error += " (--metrics sets another address, --metrics off does without)";
  return error;
}

std::optional<net::Address> Node::metrics_bound() const {
  if (!admin_) return std::nullopt;
  return admin_->bound();
}

bool Node::drain() {
  accepting_ = false;
  const bool all_closed = listener_->drain(options_.shutdown_grace);
  threads_.stop();
  threads_.join();
  if (certificates_) certificates_->stop();
  if (watchers_) watchers_->stop();
  maintenance_.stop();
  preparer_.stop();
  return all_closed;
}

// --- ExecutorHost ------------------------------------------------------------------------------

void Node::append_stats(StatsKind kind, Seconds now, std::string& out) {
  switch (kind) {
    case StatsKind::kGeneral: {
      NodeFigures shown;
      {
        // Read under the mutex too, or a reset in between would be ahead of what was read.
        const std::lock_guard lock(reset_mutex_);
        shown = figures();
        for (const auto& row : kNodeFiguresTable) {
          if (row.kind == FigureKind::kCounter) shown.*row.field -= at_reset_.*row.field;
        }
      }
      append_general_stats(shown, store_.stats(now), out);
      if (tls_) append_tls_stats(shown_tls_figures(), options_.tls.session_cache, out);
      return;
    }
    case StatsKind::kSettings: {
      NodeOptions shown = options_;
      shown.listen = bound();
      shown.sweep = maintenance_.control().options();
      shown.prefix_counts_enabled = prefix_counts_.enabled();
      shown.sizes_enabled = dumps_.sizes_enabled();
      append_settings_stats(shown, current_store_options(), threads(), verbosity_, out);
      return;
    }
    case StatsKind::kItems:
      append_item_stats(store_.stats(now), out);
      return;
    case StatsKind::kSlabs:
      append_slab_stats(store_.stats(now), out);
      return;
    case StatsKind::kConns:
      append_connections(now, out);
      return;
  }
}

void Node::append_connections(Seconds now, std::string& out) const {
  for (const auto& worker : workers_) {
    worker->sessions.for_each([&](const SessionEntry& entry) {
      const std::string fd = std::to_string(entry.connection.native_handle()) + ':';
      const Seconds last = entry.last_command.load(std::memory_order_relaxed);
      append_stat(out, fd + "addr", peer_name(entry.connection.peer_address().endpoint()));
      append_stat(out, fd + "listen_addr", listener_name(entry.connection.native_handle()));
      append_stat(out, fd + "state", state_name(entry.state.load(std::memory_order_relaxed)));
      append_stat(out, fd + "secs_since_last_cmd", std::uint64_t{now > last ? now - last : 0});
    });
  }
}

void Node::reset_stats() {
  store_.reset_stats();
  prefix_counts_.reset();
  const std::lock_guard lock(reset_mutex_);
  at_reset_ = figures();
  if (tls_) tls_at_reset_ = tls_figures(*tls_, 0);
}

void Node::set_verbosity(std::uint64_t level) {
  const auto bounded = static_cast<unsigned>(std::min<std::uint64_t>(level, 2));
  verbosity_ = bounded;
  net::set_log_level(bounded == 0 ? net::LogLevel::kInfo : net::LogLevel::kDebug);
  for (const auto& worker : workers_) worker->trace_requests = bounded >= 2;
}

// With what `lru` and `slabs` have changed since the start.
StoreOptions Node::current_store_options() const {
  StoreOptions options = store_.options();
  options.lru = store_.lru_tuning();
  options.automove = store_.automove();
  options.memory_bytes = store_.memory_limit();
  options.item_bytes_max = store_.item_bytes_max();
  return options;
}

// The handler of the signal drains; it runs on the main thread, wherever this is.
void Node::shut_down() {
  net::log_info("asked to shut down");
  ::kill(::getpid(), SIGTERM);
}

std::string_view Node::version() const {
  return kProtocolVersion;
}

// --- figures -----------------------------------------------------------------------------------

TlsFigures Node::shown_tls_figures() const {
  const Seconds now = node_clock_.seconds(clock_.now());
  TlsFigures shown = tls_figures(*tls_, node_clock_.unix_s(now));
  const std::lock_guard lock(reset_mutex_);
  for (const auto& row : kTlsFiguresTable) {
    if (row.kind != FigureKind::kCounter) continue;
    shown.*row.field -= std::min(tls_at_reset_.*row.field, shown.*row.field);
  }
  return shown;
}

NodeFigures Node::figures() const {
  NodeFigures figures;
  const Seconds now = node_clock_.seconds(clock_.now());
  figures.uptime = now - kClockStart;
  figures.time = static_cast<std::uint64_t>(node_clock_.unix_s(now));
  figures.max_connections = listener_->connections_max();
  figures.curr_connections = listener_->connections();
  figures.total_connections = listener_->accepted_total();
  figures.rejected_connections = listener_->refused_total();
  figures.accept_errors = listener_->accept_errors_total();
  figures.connection_structures = figures.curr_connections;
  figures.arriving_bytes = budget_.reserved_bytes();
  figures.pinned_bytes = budget_.pinned_bytes();
  figures.copied_bytes = budget_.copied_bytes();
  figures.accepting_conns = accepting_ ? 1 : 0;
  figures.threads = threads_.size();
  if (watchers_) {
    const WatchFigures watch = watchers_->figures();
    figures.log_worker_dropped = watch.worker_dropped;
    figures.log_worker_written = watch.worker_written;
    figures.log_watcher_skipped = watch.watcher_skipped;
    figures.log_watcher_sent = watch.watcher_sent;
    figures.log_delivery_yields = watch.delivery_yields;
    figures.log_watchers = watch.watchers;
  }
  figures.crawler_running = maintenance_.control().ordered() ? 1 : 0;
  figures.dumps_running = dumps_.running();
  figures.dumps_started = dumps_.started();
  figures.dumps_refused = dumps_.refused();
  figures.prefixes_uncounted = prefix_counts_.uncounted();
  figures.sweeps = maintenance_.sweeps();
  figures.maintenance_turns = maintenance_.turns();
  figures.memory_prepared = preparer_.prepared();
  for (const auto& worker : workers_) {
    figures.cmd_meta += worker->executor.meta_commands().value();
    figures.uploads_refused += worker->executor.uploads_refused().value();
    figures.reads_refused += worker->executor.reads_refused().value();
    figures.protocol_errors += worker->protocol_errors.value();
    figures.idle_kicks += worker->idle_kicks.value();
    figures.upload_kicks += worker->upload_kicks.value();
    figures.dump_kicks += worker->dump_kicks.value();
    figures.auth_cmds += worker->auth_cmds.value();
    figures.auth_errors += worker->auth_errors.value();
    figures.auth_strays += worker->auth_strays.value();
    figures.auth_kicks += worker->auth_kicks.value();
    figures.conn_yields += worker->conn_yields.value();
    figures.output_pauses += worker->output_pauses.value();
    figures.bytes_read += worker->read_bytes.value();
    figures.bytes_written += worker->written_bytes.value();
  }
  return figures;
}

void Node::collect(net::MetricFamilies& metrics) const {
  CommandDurations durations;
  for (const auto& worker : workers_) {
    durations.get += worker->get_duration.snapshot();
    durations.set += worker->set_duration.snapshot();
    durations.other += worker->other_duration.snapshot();
  }
  add_node_metrics(figures(), store_.stats_since_start(node_clock_.seconds(clock_.now())),
                   durations, maintenance_.hit_ratio(), metrics);
  if (tls_) {
    const Seconds now = node_clock_.seconds(clock_.now());
    add_tls_metrics(tls_figures(*tls_, node_clock_.unix_s(now)), metrics);
  }
}

}  // namespace ringcache::store
