#include "proxy/replica_reads.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "net/worker.h"
#include "protocol/append.h"
#include "protocol/response.h"
#include "protocol/response_writer.h"
#include "proxy/pending_request.h"
#include "proxy/proxy_worker.h"
#include "proxy/reply_delivery.h"

namespace ringcache::proxy {

using protocol::Command;
using protocol::Response;
using protocol::ResponseStatus;
using routing::NodeIndex;

namespace {

bool is_miss(const InFlight& entry, const Response& response) {
  if (entry.replica->as_value) return response.status != ResponseStatus::kMetaValue;
  return response.status == ResponseStatus::kEnd ? entry.keys_left > 0
                                                 : response.status == ResponseStatus::kMetaMiss;
}

// What a get that was asked as a mg came to, for each client that it is answered to.
void count_get(const InFlight& entry, CommandStatus status) {
  if (entry.pool == nullptr) return;
  entry.pool->count(Command::kGet, status, 1 + entry.pending->follower_count);
}

// Those that do not look down first, as they are.
void put_live_first(routing::ReplicaSet& set, const routing::HealthTracker& health) {
  auto next = set.all().begin();
  for (auto at = next; at != set.all().end(); ++at) {
    if (health.state(*at) != routing::NodeState::kUp) continue;
    std::rotate(next, at, at + 1);
    ++next;
  }
}

}  // namespace

ReplicaReads::~ReplicaReads() {
  while (free_ != nullptr) delete std::exchange(free_, free_->next);
}

ReplicaRead& ReplicaReads::take_free() {
  if (free_ == nullptr) {
    auto* const read = new ReplicaRead;
    read->owner = this;
    return *read;
  }
  return *std::exchange(free_, free_->next);
}

void ReplicaReads::give_back(ReplicaRead& read) {
  read.next = free_;
  read.asked = read.without_count = 0;
  read.as_value = read.is_repair = false;
  free_ = &read;
}

void ReplicaReads::end(InFlight& entry) {
  if (entry.replica == nullptr) return;
  ReplicaRead& read = *std::exchange(entry.replica, nullptr);
  read.owner->give_back(read);
}

bool ReplicaReads::begin(const Ask& ask, InFlight entry) {
  const RoutingTable& table = worker_.table();
  ReplicaRead& read = take_free();
  read.generation = table.generation();
  read.pool = ask.pool;
  read.nodes = table.replicas(ask.pool).of(table.pool(ask.pool).ring(), ask.hash);
  table.replicas(ask.pool).put_near_first(read.nodes);
  put_live_first(read.nodes, table.health(ask.pool));
  read.client_number = ask.client_number;
  read.command = ask.command;
  read.key.assign(ask.key);
  read.line.assign(ask.line);
  read.key_hash = std::hash<std::string_view>{}(ask.key);
  read.epoch = worker_.epochs().of(read.key_hash);
  entry.replica = &read;
  if (ask_next(read, entry)) return true;
  entry.keys_left = ask.command == Command::kGet ? 1 : 0;
  Upstream& last = worker_.upstreams().get({read.pool, read.nodes.nodes[0]}, read.client_number);
  end(entry);
  deliver_failure(entry, NodeFailure::kRefused, last.settings().node, last.counters());
  return false;
}

std::string_view ReplicaReads::line_of(ReplicaRead& read) {
  if (read.command != Command::kGet) return read.line;
  read.as_value = read.asked > 1;
  char* const line = worker_.line_buffer(read.key.size() + 32);
  char* end = protocol::append(line, read.as_value ? "mg " : "get ");
  end = protocol::append(end, read.key);
  end = protocol::append(end, read.as_value ? " f t v\r\n" : "\r\n");
  return {line, static_cast<std::size_t>(end - line)};
}

bool ReplicaReads::ask_next(ReplicaRead& read, InFlight entry) {
  while (read.asked < read.nodes.count) {
    const NodeIndex node = read.nodes.nodes[read.asked++];
    Upstream& upstream = worker_.upstreams().get({read.pool, node}, read.client_number);
    const std::string_view line = line_of(read);
    entry.command = read.as_value ? Command::kMetaGet : read.command;
    entry.keys_left = entry.command == Command::kGet ? 1 : 0;
    if (!upstream.send(entry, line)) return true;
  }
  return false;
}

bool ReplicaReads::go_on(InFlight& asked) {
  ReplicaRead& read = *asked.replica;
  PendingRequest& request = *asked.pending;
  const bool wanted = request.session != nullptr || request.followers != nullptr;
  if (!wanted || read.generation != worker_.table().generation()) return false;
  if (!ask_next(read, asked)) return false;
  asked.replica = nullptr;  // it is the next one's
  ++request.parts_left;
  if (asked.pool != nullptr) asked.pool->replica_reads.add();
  return true;
}

bool ReplicaReads::take(InFlight& asked, const Response& response, NodeCounters& counters) {
  ReplicaRead& read = *asked.replica;
  if (read.is_repair) {
    finish_repair(asked, response);
    return true;
  }
  if (protocol::is_error(response.status)) return failed(asked);
  if (is_miss(asked, response)) {
    if (read.without_count < read.without.size()) {
      read.without[read.without_count++] = read.nodes.nodes[read.asked - 1];
    }
    const bool as_value = read.as_value;
    if (go_on(asked)) {
      counters.misses.add();
      return true;
    }
    end(asked);
    if (!as_value) return false;
    counters.misses.add();
    count_get(asked, CommandStatus::kMiss);
    return true;
  }
  if (read.as_value) {
    counters.hits.add();
    give_value(asked, response);
    return true;
  }
  if (response.status == ResponseStatus::kValue) return false;  // its END is to come
  end(asked);
  return false;
}

bool ReplicaReads::failed(InFlight& asked) {
  const bool as_value = asked.replica->as_value;
  if (!asked.answered && go_on(asked)) return true;
  end(asked);
  if (as_value) count_get(asked, CommandStatus::kMiss);
  return as_value;
}

void ReplicaReads::give_value(InFlight& entry, const Response& response) {
  ReplicaRead& read = *entry.replica;
  PendingRequest& request = *entry.pending;
  count_get(entry, CommandStatus::kHit);
  repair(read, response);
  request.near_cache = nullptr;  // it is not kept: nobody sees it in one piece
  // In one piece, as those who joined it expect it.
  char* const head = worker_.line_buffer(protocol::value_header_bytes_max(read.key));
  const char* const head_end =
      protocol::write_value_header(head, read.key, response.client_flags, response.value.size());
  value_.assign(head, static_cast<std::size_t>(head_end - head));
  value_.append(response.value).append(protocol::kCrlf);
  end(entry);
  request.append(value_);
  if (value_.capacity() > kKeptValueBytesMax) std::string().swap(value_);
}

}  // namespace ringcache::proxy
