// ClientSession's commands: from a parsed Request to nodes, or to an answer of the proxy's own.
#include <array>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/worker.h"
#include "protocol/response.h"
#include "protocol/response_writer.h"
#include "proxy/client_session.h"
#include "proxy/may_write.h"
#include "proxy/proxy_server.h"
#include "proxy/proxy_version.h"
#include "proxy/reply_delivery.h"
#include "proxy/request_lines.h"

namespace ringcache::proxy {

using protocol::Command;
using protocol::CommandClass;
using protocol::Request;
using routing::RouteMode;
using routing::RoutePlan;
using routing::Target;

namespace {

constexpr std::string_view kCachedumpLine = "CLIENT_ERROR stats cachedump not allowed";
constexpr std::string_view kTooLargeLine = "SERVER_ERROR object too large for cache\r\n";
constexpr std::string_view kRateLimitLine = "SERVER_ERROR rate limit reached\r\n";
constexpr std::string_view kNoPoolLine = "SERVER_ERROR no pool takes this key\r\n";
constexpr std::string_view kNoNodeLine = "SERVER_ERROR the key's pool has no node\r\n";

// Every node of every pool; a server that several pools share is counted once.
std::vector<Target> every_server(const RoutingTable& table) {
  std::vector<Target> targets;
  std::set<std::string_view> seen;
  for (routing::PoolIndex pool = 0; pool < table.pool_count(); ++pool) {
    const auto& backends = table.pool(pool).options().backends;
    for (std::size_t node = 0; node < backends.size(); ++node) {
      if (!seen.insert(backends[node].address).second) continue;
      targets.push_back({pool, static_cast<routing::NodeIndex>(node)});
    }
  }
  return targets;
}

// A client that tells its answers apart by key or opaque gets them with a miss, too.
void remember_miss(const Request& request, PendingRequest& pending) {
  if (!request.meta.has('k') && !request.meta.has('O')) return;
  std::array<char, protocol::kMetaLineBytesMax> line;
  const protocol::MetaItemFacts facts{.key = request.key(), .key_is_base64 = request.key_is_base64};
  const char* const end =
      protocol::write_meta(line.data(), request.command, protocol::ResponseStatus::kMetaMiss,
                           request.meta.reply_flags(), facts);
  pending.miss_line.assign(line.data(), static_cast<std::size_t>(end - line.data()));
}

FanOut::Kind fan_out_kind(const Request& request) {
  if (request.command != Command::kStats) return FanOut::Kind::kAllMust;
  const std::string_view topic = request.args().empty() ? "" : request.args()[0];
  const std::string_view word = request.args().size() > 1 ? request.args()[1] : "";
  if (topic == "detail" && word == "dump") return FanOut::Kind::kStatsDetail;
  if (topic == "reset" || topic == "detail") return FanOut::Kind::kAllMust;
  return topic == "settings" ? FanOut::Kind::kStatsSettings : FanOut::Kind::kStats;
}

}  // namespace

PendingRequest& ClientSession::begin(const Request& request, PoolCounters* pool,
                                     std::uint32_t parts) {
  PendingRequest& pending = worker_.pending_pool().take();
  pending.session = this;
  pending.pool = pool;
  pending.started = worker_.io().now_ns();
  pending.parts_left = parts;
  pending.command = request.command;
  pending.quiet = request.quiet;
  if (is_binary()) pending.packets.begin(worker_.packet());
  note_write(request, pending);
  if (pool != nullptr) pool->in_flight.add();
  (newest_ == nullptr ? oldest_ : newest_->next) = &pending;
  newest_ = &pending;
  ++pending_count_;
  return pending;
}

// An answer that no node is needed for, in its place of the client's order.
void ClientSession::answer(const Request& request, std::string_view whole_lines) {
  if (oldest_ == nullptr && !is_binary()) {
    connection_.out().append(whole_lines);
    return;
  }
  PendingRequest& pending = begin(request, nullptr, 1);
  pending.append(whole_lines);
  pending.part_done(worker_.io().now_ns());
}

void ClientSession::answer_line(std::string_view line) {
  std::string whole(line);
  whole.append(protocol::kCrlf);
  answer(worker_.request(), whole);
}

void ClientSession::execute(const Request& request, std::string_view data_block) {
  const protocol::CommandSpec& spec = protocol::spec(request.command);
  if (spec.command_class == CommandClass::kLocal) return execute_local(request);
  if (request.command == Command::kStats) return execute_stats(request);
  if (spec.command_class == CommandClass::kFanOut) return execute_on_all(request);
  if (spec.multi_key && (request.keys().size() != 1 || !request.first_keys || request.more_keys)) {
    return execute_multiget(request);
  }
  const RoutePlan plan = worker_.table().router().plan(request.command, request.key());
  if (plan.mode != RouteMode::kOne) {
    const bool silent = request.quiet && !spec.meta;
    if (!silent) answer(request, plan.mode == RouteMode::kNoPool ? kNoPoolLine : kNoNodeLine);
    return;
  }
  if (!within_rate(request.command, request.key(), plan.pool))
    return refuse_for_rate(request, plan);
  DataBlock data;
  if (spec.has_value) data = {data_block, missing_data_end(), &connection_.in()};
  if (worker_.table().has_shadows()) shadow(request, plan.pool, data);
  PendingRequest& pending = begin(request, &worker_.pool_counters(plan.pool), 1);
  pending.ends_values = spec.multi_key;
  const bool tracks_writes = worker_.table().pool(plan.pool).options().tracks_writes();
  if (tracks_writes && share(request, plan.pool, pending)) return;
  if (request.command == Command::kMetaGet) remember_miss(request, pending);
  const bool replicated = is_replicated(plan.pool);
  if (replicated && replicate(request, plan, data, pending)) return;
  const std::size_t mark = key_mark(request.key());
  const std::uint64_t large_bytes = known_large(request, mark);
  Upstream& upstream = upstream_to(plan.owner(), large_bytes);
  note_large(large_bytes, pending);
  InFlight entry{.pending = &pending,
                 .pool = pending.pool,
                 .command = request.command,
                 .whole = true,
                 .keys_left = spec.multi_key ? 1u : 0u,
                 .key_mark = request.key_is_base64 ? 0 : mark};
  send_or_fail(upstream, entry, request_line(worker_, request), pending.started, data);
}

// For pools that track writes, before the request is sent. True: it is answered without, now or
// with another.
bool ClientSession::share(const Request& request, routing::PoolIndex pool,
                          PendingRequest& pending) {
  const std::size_t hash = std::hash<std::string_view>{}(request.key());
  WriteEpochs& epochs = worker_.epochs();
  if (may_write(request)) {
    pending.writes.begin(epochs, hash);
    return false;
  }
  if (request.command != Command::kGet && request.command != Command::kGets) return false;
  const WriteEpochs::Epoch epoch = epochs.of(hash);
  NearCache& near_cache = worker_.near_cache();
  const NearCache::Get near_get{pool, request.key(), hash, epoch, pending.started};
  NearCache::Found found;
  if (request.command == Command::kGet && near_cache.keeps(pool)) {
    found = near_cache.find(near_get);
    if (!found.reply.empty()) return answer_nearby(found.reply, pending);
  }
  const bool coalesces = worker_.table().pool(pool).options().coalesce;
  const Coalescer::Get get{request.command, pool, request.key(), hash, epoch};
  if (coalesces && worker_.coalescer().join(get, pending)) {
    pending.pool->coalesced.add();
    return true;
  }
  // If a write begins meanwhile nobody will join, or be given what is kept.
  if (!epochs.settled(hash, epoch)) return false;
  if (coalesces) worker_.coalescer().lead(get, pending);
  if (found.hot) {
    pending.near_ticket = near_cache.reserve(near_get);
    if (pending.near_ticket.number != 0) pending.near_cache = &near_cache;
  }
  return false;
}

bool ClientSession::answer_nearby(std::string_view reply, PendingRequest& pending) {
  pending.pool->near_hits.add();
  pending.pool->count(Command::kGet, CommandStatus::kHit);
  pending.ends_values = false;
  pending.append(reply);
  pending.part_done(worker_.io().now_ns());
  return true;
}

// Keys that no pool takes are misses here: an error amid values would desynchronise the client.
void ClientSession::execute_multiget(const Request& request) {
  if (worker_.table().has_shadows()) shadow_multiget(request);
  MultigetSplit& split = worker_.split();
  split.begin(multiget_line_max(request.command));
  routing::PoolIndex pool = routing::kNoPool;
  const bool is_gat = may_write(request);
  std::uint64_t large_bytes = 0;
  WriteMarks& writes = worker_.writes();
  std::vector<CopiedKey>& copied_keys = worker_.copied_keys();
  copied_keys.clear();
  for (const std::string_view key : request.keys()) {
    const RoutePlan plan = worker_.table().router().plan(request.command, key);
    if (plan.mode != RouteMode::kOne) continue;
    if (pool == routing::kNoPool) pool = plan.pool;
    if (!within_rate(request.command, key, plan.pool)) {
      worker_.pool_counters(plan.pool).count(request.command, CommandStatus::kMiss);
      continue;
    }
    if (is_gat && worker_.table().pool(plan.pool).options().tracks_writes()) {
      writes.begin(worker_.epochs(), std::hash<std::string_view>{}(key));
    }
    if (is_replicated(plan.pool)) {
      if (is_gat) forget_copies(request, plan, key);
      if (request.command == Command::kGet) {
        copied_keys.push_back({key, plan.pool, plan.hash});
        continue;
      }
    }
    const std::uint64_t key_bytes = known_large(request, key_mark(key));
    large_bytes += key_bytes;
    split.add(upstream_to(plan.owner(), key_bytes), worker_.pool_counters(plan.pool), key);
  }
  split.end();
  const std::size_t part_count = split.part_count() + copied_keys.size();
  if (part_count == 0) {
    if (!request.more_keys) answer(request, protocol::kEnd);
    return;
  }
  const auto parts = static_cast<std::uint32_t>(part_count);
  // Keys are counted for the pool of each; time and requests in flight for that of the first.
  PendingRequest& pending = begin(request, &worker_.pool_counters(pool), parts);
  pending.ends_values = !request.more_keys;
  note_large(large_bytes, pending);
  std::swap(pending.writes, writes);
  const net::SteadyNs started = pending.started;
  for (auto part = split.parts_begin(); part != split.parts_end(); ++part) {
    InFlight entry{.pending = &pending,
                   .pool = part->pool,
                   .command = request.command,
                   .whole = parts == 1 && request.first_keys && !request.more_keys,
                   .keys_left = static_cast<std::uint32_t>(part->keys.size())};
    send_or_fail(*part->upstream, entry, part_line(worker_, request, *part), started);
  }
  for (const auto& [key, of_pool, hash] : copied_keys) {
    const InFlight entry{.pending = &pending,
                         .pool = &worker_.pool_counters(of_pool),
                         .command = request.command,
                         .key_mark = key_mark(key)};
    if (!worker_.replica_reads().begin({of_pool, hash, request.command, key, {}, number_}, entry)) {
      pending.part_done(started);
    }
  }
}

void ClientSession::execute_on_all(const Request& request) {
  const RoutingTable& table = worker_.table();
  if (table.node_count() == 0) return answer(request, kNoNodeLine);
  const std::vector<Target> targets = every_server(table);
  PendingRequest& pending = begin(request, nullptr, static_cast<std::uint32_t>(targets.size()));
  pending.fan_out =
      std::make_unique<FanOut>(fan_out_kind(request), worker_.counters().stats_rows_dropped);
  if (request.command == Command::kFlushAll) pending.writes.begin_all(worker_.epochs());
  const net::SteadyNs started = pending.started;
  const std::string line(request_line(worker_, request));
  for (const Target target : targets) {
    InFlight entry{.pending = &pending, .command = request.command};
    send_or_fail(worker_.upstreams().get(target, number_), entry, line, started);
  }
}

void ClientSession::execute_stats(const Request& request) {
  static constexpr std::array<std::string_view, 6> kOfNodes{"settings", "items",  "slabs",
                                                            "sizes",    "detail", "reset"};
  if (request.args().empty()) return execute_on_all(request);
  const std::string_view topic = request.args()[0];
  if (topic == "proxy") return answer(request, worker_.server().stats_proxy());
  if (topic == "nodes") return answer(request, worker_.server().stats_nodes());
  for (const std::string_view name : kOfNodes) {
    if (topic == name) return execute_on_all(request);
  }
  answer_line(topic == "cachedump" ? kCachedumpLine : protocol::kErrorUnknownCommand);
}

void ClientSession::execute_local(const Request& request) {
  switch (request.command) {
    case Command::kQuit:
      ending_ = true;
      return;
    case Command::kVersion:
      return answer(request, kProxyVersionLine);
    case Command::kMetaNoop:
      return answer(request, protocol::kMetaNoop);
    case Command::kWatch:  // what is about one node is asked of that node
    case Command::kLru:
    case Command::kLruCrawler:
    case Command::kSlabs:
    case Command::kCacheMemlimit:
    case Command::kShutdown:
      if (!request.quiet) answer_line(protocol::kErrorUnknownCommand);
      return;
    case Command::kRefreshCerts:
      return answer_line(protocol::kErrorNoTls);
    default:  // verbosity: the proxy's log level is its configuration's business
      if (!request.quiet) answer(request, protocol::kOk);
      return;
  }
}

// A set that is refused must not leave the older value to be read, as in memcached: the node is
// told to delete the key, and the client hears of the refusal alone.
void ClientSession::refuse_and_forget(const Request& request, const RoutePlan& plan,
                                      std::string_view line) {
  const bool meta = request.command == Command::kMetaSet;
  // The meta flag q hides no error; noreply does.
  const bool silent = request.quiet && !protocol::spec(request.command).meta;
  if (plan.mode == RouteMode::kOne) {
    worker_.pool_counters(plan.pool).count(request.command, CommandStatus::kError);
  }
  if ((request.command != Command::kSet && !meta) || plan.mode != RouteMode::kOne) {
    if (!silent) answer(request, line);
    return;
  }
  if (is_replicated(plan.pool)) forget_copies(request, plan, request.key());
  PendingRequest& pending = begin(request, nullptr, 1);
  pending.writes.begin(worker_.epochs(), std::hash<std::string_view>{}(request.key()));
  pending.quiet = silent;
  if (!silent) pending.fixed_answer = line;
  std::string forget = meta ? "md " : "delete ";
  forget.append(meta ? request.wire_key : request.key());
  if (meta && request.key_is_base64) forget.append(" b");
  forget.append(protocol::kCrlf);
  InFlight entry{.pending = &pending, .command = meta ? Command::kMetaDelete : Command::kDelete};
  send_or_fail(worker_.upstreams().get(plan.owner(), number_), entry, forget, pending.started);
}

void ClientSession::forget_oversized(const Request& request) {
  const RoutePlan plan = worker_.table().router().plan(request.command, request.key());
  refuse_and_forget(request, plan, kTooLargeLine);
}

// Counts the key if it is above a limit of its pool.
bool ClientSession::within_rate(Command command, std::string_view key, routing::PoolIndex pool) {
  routing::RateLimits* const limits = worker_.table().rate_limits(pool);
  if (limits == nullptr || limits->admit(command, key, worker_.io().now_ns())) return true;
  PoolCounters& counters = worker_.pool_counters(pool);
  (protocol::is_read(command) ? counters.gets_limited : counters.sets_limited).add();
  return false;
}

void ClientSession::refuse_for_rate(const Request& request, const RoutePlan& plan) {
  const protocol::CommandSpec& spec = protocol::spec(request.command);
  if (!protocol::is_read(request.command)) {
    return refuse_and_forget(request, plan, kRateLimitLine);
  }
  PendingRequest& pending = begin(request, &worker_.pool_counters(plan.pool), 1);
  pending.pool->count(request.command, CommandStatus::kMiss);
  pending.ends_values = spec.multi_key;
  if (request.command == Command::kMetaGet && !request.quiet) {
    remember_miss(request, pending);
    pending.append(pending.miss());
  }
  pending.part_done(pending.started);
}

}  // namespace ringcache::proxy
