#include "config/pool_fields.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "config/access_fields.h"
#include "config/addresses.h"
#include "config/rate_fields.h"
#include "config/value_codecs.h"

namespace ringcache::config {
namespace {

using namespace std::chrono_literals;
using routing::Backend;
using routing::FailoverOptions;
using routing::FailoverTo;
using routing::HandoffOptions;
using routing::HealthOptions;
using routing::PoolOptions;
using routing::TimeoutOptions;

constexpr std::string_view kPoolScheme = "pool:";

const Table<TimeoutOptions>& timeouts_table() {
  static const Table<TimeoutOptions> kTable = [] {
    Table<TimeoutOptions> t;
    t.add("connect", &TimeoutOptions::connect, duration(1ms, 1min),
          "From the beginning of a connection to a node until it is established.");
    t.add("request", &TimeoutOptions::request, duration(1ms, 5min),
          "From sending a request to the end of its reply; later it is a miss or an error. A "
          "late reply is dropped; after `health.fall` timeouts in a row the connection is closed.");
    t.add(
        "idle", &TimeoutOptions::idle, duration(0ms, 168h),
        "Without a request for so long a connection to a node is closed, to be opened by the next "
        "one; 0s = never.");
    return t;
  }();
  return kTable;
}

const Table<HealthOptions>& health_table() {
  static const Table<HealthOptions> kTable = [] {
    Table<HealthOptions> t;
    t.add("interval", &HealthOptions::interval, duration(100ms, 1h),
          "Time between two probes of a suspect node; a node that is up is judged by its replies.");
    t.add("timeout", &HealthOptions::timeout, duration(10ms, 1min),
          "A probe without an answer by then has failed.");
    t.add("fall", &HealthOptions::fall, count(1, routing::kHealthCountMax),
          "Time-outs in a row, with no reply between, after which a connection is given up.");
    t.add("rise", &HealthOptions::rise, count(1, routing::kHealthCountMax),
          "Successes in a row after which a suspect node counts as up.");
    return t;
  }();
  return kTable;
}

// "next", "none" or "pool:NAME": two members of FailoverOptions in one string.
Codec<FailoverOptions> failover_target() {
  auto decode = [](DecodeContext& context, const JsonNode& json, FailoverOptions& value) {
    constexpr std::string_view kExpected = "\"next\", \"none\" or \"pool:NAME\"";
    if (!json.is(JsonKind::kString)) return context.type_error(json, kExpected);
    if (json.text == "next" || json.text == "none") {
      value.to = json.text == "next" ? FailoverTo::kNext : FailoverTo::kNone;
      value.pool.clear();
      return true;
    }
    if (!json.text.starts_with(kPoolScheme)) return context.type_error(json, kExpected);
    const std::string name = json.text.substr(kPoolScheme.size());
    if (std::string error = pool_name_error(name); !error.empty()) {
      context.error(json, std::move(error));
      return false;
    }
    value.to = FailoverTo::kPool;
    value.pool = name;
    return true;
  };
  auto encode = [](const FailoverOptions& value) -> Json {
    if (value.to == FailoverTo::kPool) return std::string(kPoolScheme) + value.pool;
    return value.to == FailoverTo::kNext ? "next" : "none";
  };
  return {.decode = decode,
          .encode = encode,
          .schema = {{"type", "string"}, {"pattern", "^(next|none|pool:[A-Za-z0-9_.-]{1,64})$"}},
          .type = "\"next\", \"none\" or \"pool:NAME\"",
          .inner = {}};
}

const Table<FailoverOptions>& failover_table() {
  static const Table<FailoverOptions> kTable = [] {
    Table<FailoverOptions> t;
    t.add(
        "to", [](FailoverOptions& o) -> FailoverOptions& { return o; }, failover_target(),
        "Who serves the keys of a node that is out: the next node on the ring, nobody (misses), "
        "or another pool.");
    t.add("max_ttl", &FailoverOptions::max_ttl, duration_in_seconds(1s, 24h),
          "Longest TTL of what is stored on a stand-in.");
    t.add("max_ejected_percent", &FailoverOptions::max_ejected_percent, count(0, 100),
          "When more than this share of the nodes looks dead, none is taken out any more.");
    return t;
  }();
  return kTable;
}

const Table<HandoffOptions>& handoff_table() {
  static const Table<HandoffOptions> kTable = [] {
    Table<HandoffOptions> t;
    t.add("window", &HandoffOptions::window, duration_in_seconds(0s, 168h),
          "How long after a change of the ring a key's old owner is still asked; \"0s\" turns "
          "hand-off off.");
    t.add("keys_per_second", &HandoffOptions::keys_per_second, count(1, 10'000'000),
          "Most keys a second that are moved in the background, over all nodes of the pool.");
    return t;
  }();
  return kTable;
}

const Table<routing::NearCacheOptions>& near_cache_table() {
  static const Table<routing::NearCacheOptions> kTable = [] {
    Table<routing::NearCacheOptions> t;
    t.add(
        "bytes", &routing::NearCacheOptions::bytes, size(0, std::uint64_t{16} << 30),
        "Memory for them in the whole process, divided among its workers; \"0B\": none are kept.");
    t.add("ttl", &routing::NearCacheOptions::ttl, duration(1ms, routing::kNearTtlMax),
          "How long a value is given without asking its node. So long may be missed what is "
          "written past this proxy process, and an item's expiry; never what was written through "
          "it.");
    return t;
  }();
  return kTable;
}

const Table<routing::ShadowOptions>& shadow_table() {
  static const Table<routing::ShadowOptions> kTable = [] {
    Table<routing::ShadowOptions> t;
    t.add("to", &routing::ShadowOptions::pool, name_or_null("the name of a pool"),
          "The pool that sees the copies; null: none. Its answers are counted and dropped.");
    t.add("percent", &routing::ShadowOptions::percent, count(1, 100),
          "Share of the keys whose requests are copied: the same keys on every proxy.");
    return t;
  }();
  return kTable;
}

// A node as an object.
struct NodeObject {
  std::optional<std::string> name;
  std::string address;
  std::uint32_t weight = 1;
  std::string zone;
  bool drain = false;
};

// Written as given where it is good: the compat rings place a node by the spelling.
Codec<std::string> node_address() {
  return text({.type = "\"host:port\", \"host\", \"[v6]:port\" or \"unix:/path\"",
               .pattern = kNodeAddressPattern,
               .error_of = [](std::string& a) { return routing::parse_backend(a).error; }});
}

const Table<NodeObject>& node_table() {
  static const Table<NodeObject> kTable = [] {
    Table<NodeObject> t;
    t.add("name", &NodeObject::name,
          optional(text({.type = "1 to 255 ASCII characters without blanks",
                         .pattern = std::string(kNodeNamePattern),
                         .error_of = [](std::string& name) { return node_name_error(name); }})),
          "The node's identity on the ring and in metrics; without it, the address. A named node "
          "can move to another address and keep its keys.");
    t.add("address", &NodeObject::address, node_address(), "Where the node listens.").required();
    t.add("weight", &NodeObject::weight, count(1, routing::kWeightMax),
          "Relative share of the keys.");
    t.add("zone", &NodeObject::zone, name_or_null("a name"),
          "Where it is. Copies of a key are in different zones, as far as there are some.");
    t.add("drain", &NodeObject::drain, flag(),
          "A draining node owns no keys; what it holds stays until it expires or is evicted.");
    return t;
  }();
  return kTable;
}

Codec<Backend> node() {
  const Codec<NodeObject> object = object_of(node_table());
  const Codec<std::string> address = node_address();
  auto decode = [=](DecodeContext& context, const JsonNode& json, Backend& backend) {
    NodeObject fields;
    if (!json.is(JsonKind::kString) && !json.is(JsonKind::kObject)) {
      return context.type_error(json, "an address or an object with one");
    }
    if (json.is(JsonKind::kString) ? !address.decode(context, json, fields.address)
                                   : !object.decode(context, json, fields)) {
      return false;
    }
    backend = routing::parse_backend(fields.address).backend;
    if (fields.name) routing::set_name(backend, *fields.name);
    backend.weight = fields.weight;
    backend.zone = fields.zone;
    backend.drain = fields.drain;
    return true;
  };
  auto encode = [=](const Backend& backend) {
    const NodeObject fields{.name = backend.named ? std::optional(backend.name) : std::nullopt,
                            .address = backend.address,
                            .weight = backend.weight,
                            .zone = backend.zone,
                            .drain = backend.drain};
    return object.encode(fields);
  };
  std::vector<ReferenceRow> inner = object.inner;
  for (ReferenceRow& row : inner) row.path = "[]." + row.path;
  return {.decode = std::move(decode),
          .encode = std::move(encode),
          .schema = {{"oneOf", Json::array({address.schema, object.schema})}},
          .type = "address or object",
          .inner = std::move(inner)};
}

Codec<std::vector<std::string>> prefixes() {
  return list_of(key_prefix(), 0, routing::kPrefixesMax, "prefixes");
}

Codec<std::string> hash_tag() {
  const auto error_of = [](std::string& tag) {
    const bool good = tag.size() == 2 && node_name_error(tag).empty();
    return std::string(good ? "" : "must be two ASCII characters, such as \"{}\"");
  };
  return text({.type = "two characters",
               .pattern = "^[!-~]{2}$",
               .error_of = error_of,
               .null_is_empty = true});
}

void add_pool_behaviour(Table<PoolOptions>& t) {
  t.add("replicas", &PoolOptions::replicas, count(1, routing::kReplicasMax),
        "Nodes that have a copy of each key. Writes go to all of them, reads to the nearest that "
        "is up, and on to the next where it has not got the key.");
  t.add("connections_per_node", &PoolOptions::connections_per_node,
        count(1, routing::kConnectionsPerNodeMax),
        "Connections to each node from each worker thread.");
  t.add("coalesce", &PoolOptions::coalesce, flag(),
        "Identical gets in flight share one request to the node. Nothing that was written through "
        "this proxy process and answered is missed for it; what came past it may be for "
        "`timeouts.request`.");
  t.add("near_cache", &PoolOptions::near_cache, object_of(near_cache_table()),
        "Values of hot keys, asked for 16 times a second and more, that the proxy keeps for a "
        "moment.");
  t.add("rate_limit", &PoolOptions::rate_limit, object_of(rate_limit_table()),
        "How many keys a second this process reads and stores for its clients.");
  t.add("shadow", &PoolOptions::shadow, object_of(shadow_table()),
        "Another pool that this one's requests are copied to, to try it under real load.");
  t.add("timeouts", &PoolOptions::timeouts, object_of(timeouts_table()),
        "How long a node may take.");
  t.add("health", &PoolOptions::health, object_of(health_table()),
        "When a node counts as down, and as up again.");
  t.add("failover", &PoolOptions::failover, object_of(failover_table()),
        "What happens to the keys of a node that is down. Checked, and shown by `--route`; this "
        "release "
        "sends nothing to a stand-in.");
  t.add(
      "handoff", &PoolOptions::handoff, object_of(handoff_table()),
      "How keys get to their new owner after a change of the nodes. Checked; this release moves no "
      "keys.");
  t.add(
      "tls", &PoolOptions::tls, node_tls(),
      "TLS to the nodes, whose certificates are verified; null: none. The files are read again by "
      "every reload; a connection that is open keeps what it has.");
  t.add("auth", &PoolOptions::auth, node_auth(),
        "The password that the nodes ask for (memcached's `-Y`); null: none.");
}

}  // namespace

Codec<std::vector<Backend>> nodes_codec() {
  return list_of(node(), 1, routing::kBackendsMax, "nodes");
}

const Table<PoolOptions>& pool_table() {
  static const Table<PoolOptions> kTable = [] {
    Table<PoolOptions> t;
    t.add("prefixes", &PoolOptions::prefixes, prefixes(),
          "Keys that start so belong to the pool; of several pools the one with the longest prefix "
          "wins. The one pool without prefixes takes the rest.");
    t.add("nodes", &PoolOptions::backends, nodes_codec(),
          "The nodes: addresses, or objects where there is more to say. Their order matters to "
          "`modula` only.")
        .required();
    t.add("ring", &PoolOptions::ring, name_of<routing::RingKind>(routing::kRingKindNames),
          "How keys are placed on nodes.");
    t.add("hash", &PoolOptions::hash, optional(name_of<routing::KeyHash>(routing::kKeyHashNames)),
          "The hash of keys; without it, the ring's own. `ringcache` takes only \"xxh3\".");
    t.add("hash_tag", &PoolOptions::hash_tag, hash_tag(),
          "Only the part of a key between these two characters is hashed, so that keys share a "
          "node; null hashes whole keys.");
    t.add("allow_skew", &PoolOptions::allow_skew, flag(),
          "Accepts a ring and a hash that together are known to spread keys badly.");
    add_pool_behaviour(t);
    return t;
  }();
  return kTable;
}

}  // namespace ringcache::config
