#include "config/config.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringcache::config;
using namespace std::chrono_literals;
using ringcache::proxy::ProxyOptions;
using ringcache::routing::FailoverTo;
using ringcache::routing::KeyHash;
using ringcache::routing::PoolOptions;
using ringcache::routing::RingKind;

namespace {

ProxyOptions load(const std::string& text) {
  const ConfigResult result = load_proxy_config(text, "t");
  REQUIRE_MESSAGE(result.ok(), format(result.errors));
  return result.options;
}

std::string errors_of(const std::string& text) {
  return format(load_proxy_config(text, "t").errors);
}

}  // namespace

TEST_CASE("the smallest configuration has every default") {
  const ProxyOptions options = load(R"({"nodes": ["10.0.0.11:11211", "10.0.0.12"]})");
  const ProxyOptions defaults;
  CHECK(options.listen == defaults.listen);
  CHECK(options.threads == 0);
  CHECK(options.admin.listen == "127.0.0.1:9160");
  CHECK(options.admin.token_file.empty());
  CHECK(options.log.level == "info");
  CHECK(options.reload_watch);
  CHECK(options.limits.item_bytes == 1'048'576);
  REQUIRE(options.pools.size() == 1);
  const PoolOptions& pool = options.pools[0];
  CHECK(pool.name == "default");
  CHECK(pool.hash == KeyHash::kXxh3);
  REQUIRE(pool.backends.size() == 2);
  CHECK(pool.backends[1].name == "10.0.0.12:11211");
  CHECK_FALSE(pool.backends[1].named);
}

TEST_CASE("every field reaches its option") {
  const ProxyOptions options = load(R"({
    "listen": ["[::1]:1", "unix:/tmp/x.sock"], "threads": 3, "busy_poll_us": 40,
    "admin": {"listen": "off", "token_file": "/etc/token"},
    "log": {"level": "trace", "format": "json"},
    "reload": {"watch": false}, "zone": "z2",
    "limits": {"client_connections": 11, "item_size": "12KiB", "client_idle": "13s",
               "pipeline_per_client": 14, "pending_per_node": 15, "pending_bytes_per_node": "2MiB",
               "client_output": "3MiB", "shutdown_grace": "16ms"},
    "pools": {"p": {
      "prefixes": ["a:", "b:"],
      "nodes": [{"name": "n", "address": "[fd00::1]:17", "weight": 18, "zone": "z1", "drain": true},
                "unix:/u"],
      "ring": "ketama", "hash": "fnv1_64", "hash_tag": "<>", "allow_skew": true,
      "replicas": 2, "connections_per_node": 19, "coalesce": true,
      "near_cache": {"bytes": "31MiB", "ttl": "32ms"},
      "rate_limit": {"gets": {"per_second": 33, "burst": 34}, "sets": {"per_second": 35},
                     "prefixes": [{"prefix": "x:", "sets": {"burst": 36}}]},
      "shadow": {"to": "q", "percent": 37},
      "timeouts": {"connect": "20ms", "request": "21ms", "idle": "30s"},
      "health": {"interval": "22s", "timeout": "23ms", "fall": 24, "rise": 25},
      "failover": {"to": "pool:q", "max_ttl": "26s", "max_ejected_percent": 27},
      "handoff": {"window": "28s", "keys_per_second": 29}},
     "q": {"nodes": ["z"], "failover": {"to": "none"}}}})");
  CHECK(options.listen == std::vector<std::string>{"[::1]:1", "unix:/tmp/x.sock"});
  CHECK(options.threads == 3);
  CHECK(options.busy_poll_us == 40);
  CHECK(options.admin.listen == "off");
  CHECK(options.admin.token_file == "/etc/token");
  CHECK(options.log.level == "trace");
  CHECK(options.log.format == "json");
  CHECK_FALSE(options.reload_watch);
  CHECK(options.zone == "z2");
  CHECK(options.limits.client_connections == 11);
  CHECK(options.limits.item_bytes == 12 * 1024);
  CHECK(options.limits.client_idle == 13s);
  CHECK(options.limits.pipeline_per_client == 14);
  CHECK(options.limits.pending_per_node == 15);
  CHECK(options.limits.pending_bytes_per_node == 2 * 1024 * 1024);
  CHECK(options.limits.client_output_bytes == 3 * 1024 * 1024);
  CHECK(options.limits.shutdown_grace == 16ms);
  REQUIRE(options.pools.size() == 2);
  const PoolOptions& p = options.pools[0];
  CHECK(p.name == "p");
  CHECK(p.prefixes == std::vector<std::string>{"a:", "b:"});
  REQUIRE(p.backends.size() == 2);
  CHECK(p.backends[0].name == "n");
  CHECK(p.backends[0].named);
  CHECK(p.backends[0].host == "fd00::1");
  CHECK(p.backends[0].port == 17);
  CHECK(p.backends[0].weight == 18);
  CHECK(p.backends[0].drain);
  CHECK(p.backends[0].zone == "z1");
  CHECK(p.replicas == 2);
  CHECK(p.backends[1].unix_path == "/u");
  CHECK(p.ring == RingKind::kKetama);
  CHECK(p.hash == KeyHash::kFnv1_64);
  CHECK(p.hash_tag == "<>");
  CHECK(p.allow_skew);
  CHECK(p.connections_per_node == 19);
  CHECK(p.timeouts.connect == 20ms);
  CHECK(p.coalesce);
  CHECK(p.near_cache.bytes == 31 * 1024 * 1024);
  CHECK(p.near_cache.ttl == 32ms);
  CHECK(p.shadow.pool == "q");
  CHECK(p.shadow.percent == 37);
  CHECK(p.rate_limit.gets == ringcache::routing::RateOptions{33, 34});
  CHECK(p.rate_limit.sets == ringcache::routing::RateOptions{35, 0});
  REQUIRE(p.rate_limit.prefixes.size() == 1);
  CHECK(p.rate_limit.prefixes[0].prefix == "x:");
  CHECK(p.rate_limit.prefixes[0].sets == ringcache::routing::RateOptions{0, 36});
  CHECK(p.timeouts.request == 21ms);
  CHECK(p.timeouts.idle == 30s);
  CHECK(p.health.interval == 22s);
  CHECK(p.health.timeout == 23ms);
  CHECK(p.health.fall == 24);
  CHECK(p.health.rise == 25);
  CHECK(p.failover.to == FailoverTo::kPool);
  CHECK(p.failover.pool == "q");
  CHECK(p.failover.max_ttl == 26s);
  CHECK(p.failover.max_ejected_percent == 27);
  CHECK(p.handoff.window == 28s);
  CHECK(p.handoff.keys_per_second == 29);
  CHECK(options.pools[1].failover.to == FailoverTo::kNone);

  // And back again: what is printed has all of it.
  const std::string printed = print_proxy_config(options);
  CHECK(print_proxy_config(load(printed)) == printed);
  for (int number = 11; number <= 29; ++number) {
    CHECK_MESSAGE(printed.find(std::to_string(number)) != std::string::npos, number);
  }
}

TEST_CASE("the ring's own hash is filled in") {
  const auto hash_with = [](const std::string& ring) {
    return load(R"({"pools": {"p": {"nodes": ["a"], "ring": ")" + ring + "\"}}}").pools[0].hash;
  };
  CHECK(hash_with("ketama") == KeyHash::kMd5);
  CHECK(hash_with("ketama-unweighted") == KeyHash::kOneAtATime);
  CHECK(hash_with("modula") == KeyHash::kFnv1a_64);
}

TEST_CASE("printing keeps apart what the compat rings tell apart") {
  // A name that is given places by the name, one that is not by a spelling of the address.
  const std::string named =
      print_proxy_config(load(R"({"nodes": [{"name": "a:11211", "address": "a"}]})"));
  const std::string unnamed = print_proxy_config(load(R"({"nodes": ["a"]})"));
  CHECK(named != unnamed);
  CHECK(load(named).pools[0].backends[0].named);
  CHECK_FALSE(load(unnamed).pools[0].backends[0].named);
}

TEST_CASE("a file that is not there, or is no file") {
  const ConfigResult missing = load_proxy_config_file("/nonexistent/proxy.json");
  CHECK(format(missing.errors) ==
        "/nonexistent/proxy.json: cannot read: No such file or directory\n");
  CHECK(format(load_proxy_config_file("/").errors) == "/: cannot read: Is a directory\n");
  // Endless, but not for us.
  CHECK(format(load_proxy_config_file("/dev/zero").errors).find("too large") != std::string::npos);
}

TEST_CASE("nodes from the command line") {
  const ConfigResult result = load_node_list("a:1,[fd00::1]:2,unix:/s");
  REQUIRE(result.ok());
  CHECK(result.options.pools[0].backends.size() == 3);
  CHECK(result.options.pools[0].backends[2].unix_path == "/s");
  CHECK(format(load_node_list("a,,b:x").errors) ==
        "--nodes:1:15: /nodes/1: the address is empty\n"
        "    1 | {\"nodes\":[\"a\",\"\",\"b:x\"]}\n"
        "      |               ^~\n"
        "--nodes:1:18: /nodes/2: port \"x\" is not a number from 1 to 65535\n"
        "    1 | {\"nodes\":[\"a\",\"\",\"b:x\"]}\n"
        "      |                  ^~~~~\n");
  CHECK_FALSE(load_node_list("").ok());
  CHECK_FALSE(load_node_list("\xff,\"").ok());
}

TEST_CASE("what follows from an error is not an error of its own") {
  // The node is bad, so the pool has none; but that is not said.
  CHECK(errors_of(R"({"nodes": ["a:b"]})").find("no nodes") == std::string::npos);
  // The ring is misspelt, so nobody knows whether it takes the hash.
  const std::string ring =
      errors_of(R"({"pools": {"p": {"nodes": ["a"], "ring": "ketma", "hash": "crc32"}}})");
  CHECK(ring.find("/pools/p/ring") != std::string::npos);
  CHECK(ring.find("/pools/p/hash") == std::string::npos);
  // An error in one node does not hide one in another.
  const std::string nodes = errors_of(R"({"nodes": ["a:b", "c", "c"]})");
  CHECK(nodes.find("/nodes/0") != std::string::npos);
  CHECK(nodes.find("/nodes/2") != std::string::npos);
}

TEST_CASE("a flood of errors ends") {
  std::string text = "{";
  for (int i = 0; i < 50'000; ++i) text += "\"unknown" + std::to_string(i) + "\": 1,";
  const ConfigResult result = load_proxy_config(text + "\"nodes\": [\"a\"]}", "t");
  REQUIRE(result.errors.size() == kDiagnosticsMax + 1);
  CHECK(result.errors.back().message == "900 more errors");
}

TEST_CASE("only what a restart must apply is reported as such") {
  const ProxyOptions before = load(R"({"nodes": ["a"]})");
  CHECK(changes_that_need_restart(before, before).empty());
  const ProxyOptions applied = load(
      R"({"nodes": ["b"], "log": {"level": "debug"},
          "limits": {"pending_per_node": 7, "shutdown_grace": "1s"}})");
  CHECK(changes_that_need_restart(before, applied).empty());
  const ProxyOptions restarted = load(
      R"({"nodes": ["a"], "listen": ["127.0.0.1:1"], "threads": 2,
          "admin": {"listen": "off", "token_file": "/t"}, "reload": {"watch": false},
          "limits": {"item_size": "2MiB", "client_idle": "1s"}})");
  CHECK(changes_that_need_restart(before, restarted) ==
        std::vector<std::string>{"/listen", "/threads", "/admin/listen", "/admin/token_file",
                                 "/reload/watch", "/limits/item_size", "/limits/client_idle"});
}
