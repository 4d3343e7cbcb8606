// ClientSession's shadows: copies of requests for keys that the pool's `shadow` takes, sent to
// another pool. Nobody waits for the answers; they are read, counted for that pool and dropped. A
// copy that cannot be sent at once is not sent: no client hears of it.
//
// What is copied is what clients ask for, whether or not a node of their own pool is asked for it.
// A large data block that is passed on while it arrives is not.
#include <optional>

#include "proxy/client_session.h"
#include "proxy/request_lines.h"

namespace ringcache::proxy {

using protocol::Request;
using routing::PoolIndex;
using routing::Target;

namespace {

// The key's node in the pool that sees the copies; nothing: none is to be made.
std::optional<Target> shadow_target(const RoutingTable& table, PoolIndex pool,
                                    std::string_view key) {
  const std::optional<routing::Shadow>& shadow = table.shadow(pool);
  if (!shadow || !shadow->takes(key)) return std::nullopt;
  const routing::Pool& to = table.pool(shadow->pool());
  const routing::NodeIndex node = to.ring().owner(to.hash(key));
  if (node == routing::kNoNode) return std::nullopt;
  return Target{shadow->pool(), node};
}

void count_copy(PoolCounters& counters, const std::optional<NodeFailure>& failure) {
  const ShadowResult result = failure ? ShadowResult::kRefused : ShadowResult::kSent;
  counters.shadows[static_cast<std::size_t>(result)].add();
}

}  // namespace

// REQUIRES a request with one key, whose data block is still where it was read.
void ClientSession::shadow(const Request& request, PoolIndex pool, const DataBlock& data) {
  const auto target = shadow_target(worker_.table(), pool, request.key());
  if (!target) return;
  const InFlight entry{.pool = &worker_.pool_counters(target->pool),
                       .command = request.command,
                       .shadow = true,
                       .keys_left = protocol::spec(request.command).multi_key ? 1u : 0u};
  Upstream& upstream = worker_.upstreams().get(*target, number_);
  const auto failure =
      upstream.send(entry, request_line(worker_, request), {data.bytes, data.end, nullptr});
  count_copy(worker_.pool_counters(pool), failure);
}

// Whole before the request itself is split: the scratch space is the same.
void ClientSession::shadow_multiget(const Request& request) {
  const RoutingTable& table = worker_.table();
  MultigetSplit& split = worker_.split();
  PoolCounters* asked = nullptr;  // of the first key that is copied
  split.begin(multiget_line_max(request.command));
  for (const std::string_view key : request.keys()) {
    const routing::RoutePlan plan = table.router().plan(request.command, key);
    if (plan.mode != routing::RouteMode::kOne) continue;
    const auto target = shadow_target(table, plan.pool, key);
    if (!target) continue;
    if (asked == nullptr) asked = &worker_.pool_counters(plan.pool);
    split.add(worker_.upstreams().get(*target, number_), worker_.pool_counters(target->pool), key);
  }
  split.end();
  for (auto part = split.parts_begin(); part != split.parts_end(); ++part) {
    const InFlight entry{.pool = part->pool,
                         .command = request.command,
                         .shadow = true,
                         .keys_left = static_cast<std::uint32_t>(part->keys.size())};
    const auto failure = part->upstream->send(entry, part_line(worker_, request, *part));
    count_copy(*asked, failure);
  }
}

void ClientSession::count_shadow_of_upload(const Request& request, PoolIndex pool) {
  if (!shadow_target(worker_.table(), pool, request.key())) return;
  PoolCounters& counters = worker_.pool_counters(pool);
  counters.shadows[static_cast<std::size_t>(ShadowResult::kLarge)].add();
}

}  // namespace ringcache::proxy
