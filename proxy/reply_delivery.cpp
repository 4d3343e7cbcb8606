#include "proxy/reply_delivery.h"

#include <string>

#include "proxy/replica_reads.h"

namespace ringcache::proxy {

using protocol::CommandClass;
using protocol::Response;
using protocol::ResponseStatus;

namespace {

// A request that timed out has been counted as that; its late reply is not counted again.
void count_pool(const InFlight& entry, CommandStatus status, std::uint64_t keys = 1) {
  if (entry.pool == nullptr) return;
  if (entry.shadow) return entry.pool->count(entry.command, status, keys);
  if (entry.pending == nullptr) return;
  entry.pool->count(entry.command, status, keys * (1 + entry.pending->follower_count));
}

void count_misses(InFlight& entry, NodeCounters& counters) {
  count_pool(entry, CommandStatus::kMiss, entry.keys_left);
  counters.misses.add(entry.keys_left);
  entry.keys_left = 0;
}

// VALUE*, then END or an error line.
void deliver_retrieval(InFlight& entry, const Response& response, net::ReadBuffer& in,
                       NodeCounters& counters) {
  if (response.status == ResponseStatus::kValue) {
    // A node that sends more values than it was asked for is not counted beyond them.
    if (entry.keys_left > 0) --entry.keys_left;
    counters.hits.add();
    count_pool(entry, CommandStatus::kHit);
    entry.answered = true;
    PendingRequest* const pending = entry.pending;
    if (pending == nullptr) return;
    if (pending->near_cache != nullptr) {
      pending->near_cache->fill(pending->near_ticket, response.bytes);
    }
    return pending->append(response.bytes, &in);
  }
  if (response.status == ResponseStatus::kEnd) return count_misses(entry, counters);
  count_pool(entry, CommandStatus::kError, entry.keys_left);
  if (entry.pending == nullptr || !entry.whole || entry.answered) return;
  entry.pending->append(response.bytes);
  entry.pending->answer_is_whole();
}

}  // namespace

void deliver(InFlight& entry, const Response& response, net::ReadBuffer& in, std::string_view node,
             NodeCounters& counters) {
  PendingRequest* const pending = entry.pending;
  if (pending != nullptr && pending->fan_out) return pending->fan_out->add(node, response);
  if (entry.replica != nullptr && entry.replica->owner->take(entry, response, counters)) return;
  if (pending != nullptr && pending->replica_write.on()) {
    count_pool(entry, command_status(entry.command, response.status));
    pending->replica_write.take(entry.rank, response);
    if (entry.rank == 0) pending->replica_write.forget_others(*pending);
    return;
  }
  if (protocol::spec(entry.command).multi_key) {
    return deliver_retrieval(entry, response, in, counters);
  }

  const CommandStatus status = command_status(entry.command, response.status);
  if (status == CommandStatus::kHit) counters.hits.add();
  if (status == CommandStatus::kMiss) counters.misses.add();
  count_pool(entry, status);
  if (pending == nullptr) return;
  if (pending->quiet && protocol::quiet_suppresses(entry.command, response.status)) return;
  pending->append(response.bytes, &in);
}

void count_shadow_failure(InFlight& entry, NodeFailure failure, NodeCounters& counters) {
  if (!entry.shadow) return;
  counters.errors[static_cast<std::size_t>(failure)].add();
  const std::uint64_t keys = protocol::spec(entry.command).multi_key ? entry.keys_left : 1;
  count_pool(entry, protocol::is_read(entry.command) ? CommandStatus::kMiss : CommandStatus::kError,
             keys);
  entry.shadow = false;
}

void deliver_failure(InFlight& entry, NodeFailure failure, std::string_view node,
                     NodeCounters& counters) {
  PendingRequest& pending = *entry.pending;
  const auto reason = static_cast<std::size_t>(failure);
  counters.errors[reason].add();
  if (pending.fan_out) return pending.fan_out->fail(node, kNodeFailureTexts[reason]);
  if (entry.replica != nullptr && entry.replica->owner->failed(entry)) return;
  const protocol::CommandSpec& spec = protocol::spec(entry.command);
  if (spec.multi_key) {
    count_pool(entry, CommandStatus::kMiss, entry.keys_left);
    return;
  }
  const bool read =
      spec.command_class == CommandClass::kRead || spec.command_class == CommandClass::kDebugRead;
  count_pool(entry, read ? CommandStatus::kMiss : CommandStatus::kError);
  if (read) {
    const bool hidden =
        pending.quiet && protocol::quiet_suppresses(entry.command, ResponseStatus::kMetaMiss);
    if (!hidden) pending.append(pending.miss());
    return;
  }
  std::string line = "SERVER_ERROR node ";
  line.append(node).append(" ").append(kNodeFailureTexts[reason]).append(protocol::kCrlf);
  if (pending.replica_write.on()) {
    pending.replica_write.fail(line);
    if (entry.rank == 0) pending.replica_write.forget_others(pending);
    return;
  }
  const bool hidden =
      pending.quiet && protocol::quiet_suppresses(entry.command, ResponseStatus::kServerError);
  if (hidden) return;
  pending.append(line);
}

}  // namespace ringcache::proxy
