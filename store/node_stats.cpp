#include "store/node_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdio>

#include "store/eviction.h"
#include "store/item.h"
#include "store/node_tls.h"
#include "store/node_version.h"

namespace ringcache::store {

namespace {

// Events that memcached counts and that cannot happen here; tools look for the names.
constexpr std::array<std::string_view, 6> kNeverHappens{
    "listen_disabled_num", "hash_is_expanding",     "malloc_fails",
    "lrutail_reflocked",   "slab_reassign_running", "time_in_listen_disabled_us",
};

std::string seconds_text(const timeval& time) {
  std::array<char, 48> text;
  const int length =
      std::snprintf(text.data(), text.size(), "%lld.%06lld", static_cast<long long>(time.tv_sec),
                    static_cast<long long>(time.tv_usec));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string fixed2(double number) {
  std::array<char, 48> text;
  const int length = std::snprintf(text.data(), text.size(), "%.2f", number);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string octal(unsigned number) {
  std::array<char, 16> text;
  const int length = std::snprintf(text.data(), text.size(), "%o", number);
  return {text.data(), static_cast<std::size_t>(length)};
}

template <typename Table, typename Struct>
void append_rows(std::string& out, const Table& table, const Struct& figures,
                 const std::string& prefix = "") {
  for (const auto& row : table) {
    if (!row.name.empty()) append_stat(out, prefix + std::string(row.name), figures.*row.field);
  }
}

}  // namespace

void append_stat(std::string& out, std::string_view name, std::string_view value) {
  out.append("STAT ").append(name).append(" ").append(value).append("\r\n");
}

void append_stat(std::string& out, std::string_view name, std::uint64_t value) {
  append_stat(out, name, std::to_string(value));
}

void append_general_stats(const NodeFigures& figures, const StoreStats& stats, std::string& out) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  append_stat(out, "pid", static_cast<std::uint64_t>(::getpid()));
  append_stat(out, "version", kProtocolVersion);
  append_stat(out, "pointer_size", std::uint64_t{8 * sizeof(void*)});
  append_stat(out, "rusage_user", seconds_text(usage.ru_utime));
  append_stat(out, "rusage_system", seconds_text(usage.ru_stime));
  append_rows(out, kNodeFiguresTable, figures);
  append_rows(out, kStoreCountersTable, stats.counters);
  append_rows(out, kStoreTotalsTable, stats.totals);
  const auto level = static_cast<std::uint64_t>(std::bit_width(stats.totals.hash_buckets));
  append_stat(out, "hash_power_level", level == 0 ? 0 : level - 1);
  for (const std::string_view name : kNeverHappens) append_stat(out, name, std::uint64_t{0});
}

void append_settings_stats(const NodeOptions& options, const StoreOptions& store,
                           std::size_t threads, unsigned verbosity, std::string& out) {
  std::string interfaces;
  std::string socket = "NULL";
  std::uint64_t port = 0;
  for (const net::Address& address : options.listen) {
    if (address.kind == net::Address::Kind::kUnix) {
      socket = address.path;
      continue;
    }
    if (port == 0) port = address.port;
    interfaces += (interfaces.empty() ? "" : ",") + address.host;
  }
  const auto yes_no = [](bool yes) { return std::string_view(yes ? "yes" : "no"); };
  append_stat(out, "maxbytes", store.memory_bytes);
  append_stat(out, "maxconns", options.connections_max);
  append_stat(out, "tcpport", port);
  append_stat(out, "udpport", std::uint64_t{0});
  append_stat(out, "inter", interfaces.empty() ? "NULL" : interfaces);
  append_stat(out, "verbosity", verbosity);
  append_stat(out, "evictions", store.evict ? "on" : "off");
  append_stat(out, "domain_socket", socket);
  append_stat(out, "umask", octal(options.unix_mode));
  append_stat(out, "shutdown_command", yes_no(options.enable_shutdown));
  append_stat(out, "memory_ahead", yes_no(options.prepare_huge_pages));
  append_stat(out, "growth_factor", fixed2(store.growth_factor));
  append_stat(out, "chunk_size", store.chunk_bytes_min - sizeof(Item));  // as -n says it
  append_stat(out, "num_threads", threads);
  append_stat(out, "stat_key_prefix", std::string_view(&options.prefix_delimiter, 1));
  append_stat(out, "detail_enabled", yes_no(options.prefix_counts_enabled));
  append_stat(out, "reqs_per_event", options.requests_per_turn);
  append_stat(out, "cas_enabled", yes_no(options.cas_enabled));
  append_stat(out, "tcp_backlog", static_cast<std::uint64_t>(options.backlog));
  append_stat(out, "binding_protocol", options.binary_protocol ? "auto-negotiate" : "ascii");
  append_stat(out, "auth_enabled_sasl", "no");
  append_stat(out, "auth_enabled_ascii", options.auth_file.empty() ? "no" : options.auth_file);
  append_stat(out, "item_size_max", store.item_bytes_max);
  append_stat(out, "maxconns_fast", yes_no(options.refuse_at_limit));
  append_stat(out, "hashpower_init", std::uint64_t{0});
  append_stat(out, "slab_reassign", "yes");
  append_stat(out, "slab_automove", std::uint64_t{store.automove ? 1U : 0U});
  append_stat(out, "slab_page_size", store.page_bytes);
  append_stat(out, "lru_crawler", yes_no(options.sweep.enabled));
  append_stat(out, "lru_crawler_sleep", static_cast<std::uint64_t>(options.sweep.pause.count()));
  append_stat(out, "lru_crawler_tocrawl", options.sweep.items_max);
  append_stat(out, "tail_repair_time", std::uint64_t{0});
  append_stat(out, "flush_enabled", yes_no(options.flush_enabled));
  append_stat(out, "dump_enabled", yes_no(options.dump_enabled));
  append_stat(out, "lru_maintainer_thread", "yes");
  append_stat(out, "eviction", eviction_name(store.eviction));
  const bool segmented = store.eviction == EvictionKind::kSegmentedLru && !store.lru.flat;
  append_stat(out, "lru_segmented", yes_no(segmented));
  append_stat(out, "hot_lru_pct", store.lru.hot_percent);
  append_stat(out, "warm_lru_pct", store.lru.warm_percent);
  append_stat(out, "hot_max_factor", fixed2(store.lru.hot_age_factor));
  append_stat(out, "warm_max_factor", fixed2(store.lru.warm_age_factor));
  append_stat(out, "temp_lru", yes_no(store.lru.temporary_ttl.has_value()));
  append_stat(out, "temporary_ttl", std::uint64_t{store.lru.temporary_ttl.value_or(0)});
  append_stat(out, "idle_timeout", static_cast<std::uint64_t>(options.idle_timeout.count()));
  append_stat(out, "upload_timeout", static_cast<std::uint64_t>(options.upload_timeout.count()));
  append_stat(out, "auth_timeout", static_cast<std::uint64_t>(options.auth_timeout.count()));
  append_stat(out, "watcher_logbuf_size", options.watch.watcher_buffer_bytes);
  append_stat(out, "worker_logbuf_size", options.watch.worker_log_bytes);
  append_stat(out, "track_sizes", yes_no(options.sizes_enabled));
  append_tls_settings(options, out);
}

void append_item_stats(const StoreStats& stats, std::string& out) {
  for (const ClassStats& each : stats.classes) {
    if (each.items.number == 0 && each.slabs.total_pages == 0) continue;
    append_rows(out, kClassItemsTable, each.items, "items:" + std::to_string(each.number) + ':');
  }
}

void append_slab_stats(const StoreStats& stats, std::string& out) {
  std::uint64_t active = 0;
  for (const ClassStats& each : stats.classes) {
    if (each.slabs.total_pages > 0) ++active;
    append_rows(out, kClassSlabsTable, each.slabs, std::to_string(each.number) + ':');
  }
  append_stat(out, "active_slabs", active);
  append_stat(out, "total_malloced", stats.totals.total_malloced);
}

}  // namespace ringcache::store
