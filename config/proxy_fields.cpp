#include "config/proxy_fields.h"

#include <array>
#include <set>

#include "config/access_fields.h"
#include "config/addresses.h"
#include "config/pool_fields.h"
#include "config/value_codecs.h"

namespace ringcache::config {
namespace {

using namespace std::chrono_literals;
using proxy::AdminOptions;
using proxy::Limits;
using proxy::LogOptions;
using proxy::ProxyOptions;
using routing::Backend;
using routing::PoolOptions;

constexpr std::array<std::string_view, 5> kLogLevels{"trace", "debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};
constexpr std::size_t kListenersMax = 64;

const Table<AdminOptions>& admin_table() {
  static const Table<AdminOptions> kTable = [] {
    Table<AdminOptions> t;
    t.add("listen", &AdminOptions::listen,
          text({.type = "\"host:port\", \"[v6]:port\" or \"off\"",
                .pattern = kAdminListenPattern,
                .error_of = [](std::string& address) { return admin_listen_error(address); }}),
          "Address of the HTTP server with `/metrics`, the health probes and the reload; \"off\" "
          "starts "
          "none.",
          Reload::kNeedsRestart);
    t.add("token_file", &AdminOptions::token_file, absolute_path(true),
          "File whose first line is the bearer token that POST requests must carry; null asks for "
          "none.",
          Reload::kNeedsRestart);
    return t;
  }();
  return kTable;
}

const Table<LogOptions>& log_table() {
  static const Table<LogOptions> kTable = [] {
    Table<LogOptions> t;
    t.add("level", &LogOptions::level, name_in(kLogLevels),
          "What is less severe than this is not logged.");
    t.add("format", &LogOptions::format, name_in(kLogFormats),
          "How a line is written: \"text\" is logfmt, \"json\" one object a line.");
    return t;
  }();
  return kTable;
}

const Table<ProxyOptions>& reload_table() {
  static const Table<ProxyOptions> kTable = [] {
    Table<ProxyOptions> t;
    t.add("watch", &ProxyOptions::reload_watch, flag(),
          "Loads this file whenever it changes. SIGHUP and `POST /api/v1/reload` work in any "
          "case.",
          Reload::kNeedsRestart);
    return t;
  }();
  return kTable;
}

const Table<Limits>& limits_table() {
  static const Table<Limits> kTable = [] {
    Table<Limits> t;
    t.add("client_connections", &Limits::client_connections, count(1, 1'000'000),
          "Client connections at once; above it a new one is answered with an error and closed.",
          Reload::kNeedsRestart);
    t.add("item_size", &Limits::item_bytes, size(1024, std::uint64_t{1} << 30),
          "Largest value a client may store; larger ones are refused. Not above the nodes' own "
          "limit (`-I`).",
          Reload::kNeedsRestart);
    t.add("client_idle", &Limits::client_idle, duration(0ms, 168h),
          "A client connection that sends nothing, and takes nothing of a reply that waits for it, "
          "for this long is closed; \"0s\": never.",
          Reload::kNeedsRestart);
    t.add("pipeline_per_client", &Limits::pipeline_per_client, count(1, 65'536),
          "Requests of one client that may await replies; above it the client is not read from.");
    t.add("pending_per_node", &Limits::pending_per_node, count(1, 1'000'000),
          "Requests that may await replies of one node on one worker thread; above it they fail at "
          "once.");
    t.add("pending_bytes_per_node", &Limits::pending_bytes_per_node,
          size(1 << 20, std::uint64_t{1} << 34),
          "Bytes of requests that may wait to be sent to one node on one worker thread; above it "
          "they fail at once.");
    t.add("client_output", &Limits::client_output_bytes, size(1 << 20, std::uint64_t{1} << 34),
          "Bytes of replies that may wait for one client to read them; above it the client is "
          "closed. It is not read from above a 64th of it. At least 256 times "
          "`item_size` lets any multiget through.",
          Reload::kNeedsRestart);
    t.add(
        "cut_through", &Limits::cut_through_bytes, size(1024, std::uint64_t{1} << 30),
        "A value above this is large: it is passed on while it arrives, and a get of a key that is "
        "known to have one takes a connection that no small request waits on.");
    t.add(
        "cut_through_window", &Limits::cut_through_window_bytes,
        size(64 * 1024, std::uint64_t{1} << 30),
        "Bytes of large values that may wait for one client before the connection that brings "
        "them is not read; and those that it may have asked for at once, unless it is one value.");
    t.add(
        "large_connections", &Limits::large_connections_per_node, count(0, 64),
        "Connections for large values to one node on one worker thread, and as many for large data "
        "blocks, opened when they are needed; 0: large ones take the connection of all others, "
        "and a data block is held until it is whole.");
    t.add("upload_stall", &Limits::upload_stall, duration(1ms, 1h),
          "A client that sends nothing of a large data block which it has begun, for this long, is "
          "closed.");
    t.add("shutdown_grace", &Limits::shutdown_grace, duration(0ms, 1h),
          "Time a draining proxy gives its clients before it closes their connections.");
    return t;
  }();
  return kTable;
}

// One PoolOptions for each key of the object but the second of duplicates, also where something is
// wrong with it, so that the checks across pools see them all.
bool decode_pools(DecodeContext& context, const JsonNode& json, std::vector<PoolOptions>& pools) {
  if (!json.is(JsonKind::kObject)) return context.type_error(json, "an object of pools");
  if (json.children.empty() || json.children.size() > routing::kPoolsMax) {
    context.error(json, "must have 1 to " + std::to_string(routing::kPoolsMax) + " pools, has " +
                            std::to_string(json.children.size()));
    return false;
  }
  bool good = true;
  std::set<std::string_view> names;
  for (const JsonNode* member : json.children) {
    if (!names.insert(member->key).second) continue;
    if (std::string error = pool_name_error(member->key); !error.empty()) {
      context.key_error(*member, std::move(error));
      good = false;
    }
    PoolOptions& pool = pools.emplace_back();
    pool.name = member->key;
    good = pool_table().decode(context, *member, pool) && good;
  }
  return good;
}

Codec<std::vector<PoolOptions>> pools() {
  auto encode = [](const std::vector<PoolOptions>& pools) {
    Json result = Json::object();
    for (const PoolOptions& pool : pools) result[pool.name] = pool_table().encode(pool);
    return result;
  };
  std::vector<ReferenceRow> inner = pool_table().reference();
  for (ReferenceRow& row : inner) row.path = "*." + row.path;
  return {.decode = decode_pools,
          .encode = std::move(encode),
          .schema = {{"type", "object"},
                     {"propertyNames", {{"pattern", kPoolNamePattern}}},
                     {"additionalProperties", pool_table().schema()},
                     {"minProperties", 1},
                     {"maxProperties", routing::kPoolsMax}},
          .type = "object: name of a pool to pool",
          .inner = std::move(inner)};
}

// The short form: the nodes of a pool that is called "default".
Codec<ProxyOptions> nodes_alone() {
  const Codec<std::vector<Backend>> list = nodes_codec();
  auto decode = [=](DecodeContext& context, const JsonNode& json, ProxyOptions& options) {
    return list.decode(context, json, options.pools.emplace_back().backends);
  };
  return {.decode = std::move(decode),
          .encode = [](const ProxyOptions&) { return Json(); },
          .schema = list.schema,
          .type = list.type,
          .inner = {}};
}

// The editors' own key.
Codec<ProxyOptions> schema_reference() {
  auto decode = [](DecodeContext& context, const JsonNode& json, ProxyOptions&) {
    return json.is(JsonKind::kString) || context.type_error(json, "a string");
  };
  return {.decode = decode,
          .encode = [](const ProxyOptions&) { return Json(); },
          .schema = {{"type", "string"}},
          .type = "string",
          .inner = {}};
}

Codec<std::string> listen_address() {
  return text({.type = "\"host:port\", \"[v6]:port\", \"tls:host:port\" or \"unix:/path\"",
               .pattern = kListenPattern,
               .error_of = [](std::string& address) { return listen_error(address); }});
}

}  // namespace

const Table<ProxyOptions>& proxy_table() {
  static const Table<ProxyOptions> kTable = [] {
    const auto itself = [](ProxyOptions& options) -> ProxyOptions& { return options; };
    Table<ProxyOptions> t;
    t.add("$schema", itself, schema_reference(),
          "Where editors find the schema of this file; means nothing to the proxy.");
    t.add("listen", &ProxyOptions::listen, list_of(listen_address(), 1, kListenersMax, "addresses"),
          "Addresses for clients. Port 0 takes any free port; \"tls:\" before an address gives it "
          "TLS, "
          "with the certificate of `tls`.",
          Reload::kNeedsRestart);
    t.add("threads", &ProxyOptions::threads, count(0, 1024), "Worker threads; 0: one per core.",
          Reload::kNeedsRestart);
    t.add(
        "busy_poll_us", &ProxyOptions::busy_poll_us, count(0, proxy::kBusyPollMaxUs),
        "Microseconds for which a worker with nothing to do looks for more before it sleeps: lower "
        "latency for cores that are its own; 0: it sleeps at once.",
        Reload::kNeedsRestart);
    t.add("admin", &ProxyOptions::admin, object_of(admin_table()), "The HTTP server.");
    t.add("log", &ProxyOptions::log, object_of(log_table()), "The log, on standard error.");
    t.add("tls", &ProxyOptions::tls, client_tls(),
          "The certificate for clients on the addresses of `listen` that begin with \"tls:\", and "
          "what is asked of them; null: no such address. The files are read again by every reload; "
          "a connection that is open keeps what it has.");
    t.add(
        "auth", &ProxyOptions::auth, client_auth(),
        "Passwords that clients must give before anything else, as memcached's `-Y` has it or by "
        "SASL PLAIN, on every address; null: none. Read again by every reload; who is known stays "
        "so.");
    t.add("zone", &ProxyOptions::zone, name_or_null("a name"),
          "Where this process is: of a key's copies those in this zone are read first.");
    t.add("reload", itself, object_of(reload_table()), "How changes of this file are noticed.");
    t.add("limits", &ProxyOptions::limits, object_of(limits_table()),
          "Bounds on what clients may ask for.");
    t.add("nodes", itself, nodes_alone(),
          "The nodes of the one pool \"default\", instead of `pools`.");
    t.add("pools", &ProxyOptions::pools, pools(), "The pools by their names.");
    return t;
  }();
  return kTable;
}

}  // namespace ringcache::config
