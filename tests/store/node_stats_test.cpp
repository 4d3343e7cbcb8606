#include "store/node_stats.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>

#include "store/node_metrics.h"

using namespace ringcache;
using namespace ringcache::store;

namespace {

std::set<std::string> names_of(const std::string& text) {
  std::set<std::string> names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    REQUIRE(end != std::string_view::npos);
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    REQUIRE(line.starts_with("STAT "));
    const std::string_view name = line.substr(5, line.find(' ', 5) - 5);
    CAPTURE(name);
    CHECK(names.insert(std::string(name)).second);  // no name twice
  }
  return names;
}

}  // namespace

TEST_CASE("stats has the names that memcached's tools read") {
  std::string text;
  append_general_stats({}, {}, text);
  const std::set<std::string> names = names_of(text);
  for (const char* name : {"pid",
                           "uptime",
                           "time",
                           "version",
                           "pointer_size",
                           "rusage_user",
                           "rusage_system",
                           "max_connections",
                           "curr_connections",
                           "total_connections",
                           "rejected_connections",
                           "connection_structures",
                           "cmd_get",
                           "cmd_set",
                           "cmd_flush",
                           "cmd_touch",
                           "cmd_meta",
                           "get_hits",
                           "get_misses",
                           "get_expired",
                           "get_flushed",
                           "delete_misses",
                           "delete_hits",
                           "incr_misses",
                           "incr_hits",
                           "decr_misses",
                           "decr_hits",
                           "cas_misses",
                           "cas_hits",
                           "cas_badval",
                           "touch_hits",
                           "touch_misses",
                           "store_too_large",
                           "store_no_memory",
                           "auth_cmds",
                           "auth_errors",
                           "bytes_read",
                           "bytes_written",
                           "limit_maxbytes",
                           "accepting_conns",
                           "listen_disabled_num",
                           "time_in_listen_disabled_us",
                           "threads",
                           "conn_yields",
                           "hash_power_level",
                           "hash_bytes",
                           "hash_is_expanding",
                           "slab_reassign_running",
                           "slabs_moved",
                           "lru_crawler_starts",
                           "lru_maintainer_juggles",
                           "malloc_fails",
                           "bytes",
                           "curr_items",
                           "total_items",
                           "slab_global_page_pool",
                           "expired_unfetched",
                           "evicted_unfetched",
                           "evicted_active",
                           "evictions",
                           "reclaimed",
                           "crawler_reclaimed",
                           "crawler_items_checked",
                           "lrutail_reflocked",
                           "moves_to_cold",
                           "moves_to_warm",
                           "moves_within_lru",
                           "direct_reclaims"}) {
    CAPTURE(name);
    CHECK(names.contains(name));
  }
}

TEST_CASE("stats settings tells the options in force") {
  NodeOptions options;
  options.listen = {net::Address::tcp("127.0.0.1", 5), net::Address::tcp("::1", 6)};
  options.connections_max = 99;
  options.idle_timeout = std::chrono::seconds(30);
  std::string text;
  append_settings_stats(options, options.store, 3, 1, text);
  names_of(text);
  for (const char* line :
       {"STAT maxconns 99\r\n", "STAT tcpport 5\r\n", "STAT inter 127.0.0.1,::1\r\n",
        "STAT domain_socket NULL\r\n", "STAT num_threads 3\r\n", "STAT verbosity 1\r\n",
        "STAT idle_timeout 30\r\n", "STAT upload_timeout 30\r\n", "STAT maxbytes 67108864\r\n",
        "STAT umask 700\r\n", "STAT lru_crawler yes\r\n"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("stats items and slabs have a block for each class") {
  StoreStats stats;
  stats.classes.resize(2);
  stats.classes[0].number = 3;
  stats.classes[0].items.number = 7;
  stats.classes[0].slabs.total_pages = 1;
  stats.classes[1].number = 9;
  stats.classes[1].slabs.total_pages = 2;
  std::string text;
  append_item_stats(stats, text);
  CHECK(text.find("STAT items:3:number 7\r\n") != std::string::npos);
  names_of(text);
  text.clear();
  append_slab_stats(stats, text);
  CHECK(text.find("STAT 9:total_pages 2\r\n") != std::string::npos);
  CHECK(text.find("STAT active_slabs 2\r\n") != std::string::npos);
  names_of(text);
}

TEST_CASE("every metric name is given once, and one command is counted once") {
  StoreStats stats;
  stats.counters.cmd_set = 10;
  stats.counters.cas_hits = 1;
  stats.counters.cas_misses = 2;
  stats.counters.cas_badval = 3;
  stats.classes.resize(1);
  stats.classes[0].number = 1;
  const auto collectable = net::make_collectable("memcached_", [&](net::MetricFamilies& metrics) {
    add_node_metrics({}, stats, {}, 0.5, metrics);
  });
  const std::string text = net::metrics_text(*collectable);
  std::set<std::string> series;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (line.starts_with('#')) continue;
    CAPTURE(line);
    CHECK(series.insert(std::string(line.substr(0, line.rfind(' ')))).second);
  }
  for (const char* line : {"memcached_commands_total{command=\"set\",status=\"hit\"} 4\n",
                           "memcached_commands_total{command=\"cas\",status=\"badval\"} 3\n",
                           "memcached_hit_ratio 0.5\n", "memcached_up 1\n",
                           "memcached_slab_current_items{slab=\"1\"} 0\n"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}
