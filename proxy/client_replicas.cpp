// ClientSession's requests for keys with several copies: which nodes are asked, and told what.
//
//   get, mg that changes nothing   the nearest node, others if it has not got it (replica_reads.h)
//   set, touch, delete             all nodes at once (replica_write.h); plain ms and md, too
//   add, cas, incr, append, ...    the owner, then the other copies are deleted (the same)
//   gets, mg with c, me            the owner: a CAS number is of one node, and cas goes there, too
//   gat, gats, mg with N or T      the owner; the others' copies are deleted meanwhile
#include <functional>
#include <string>

#include "net/worker.h"
#include "protocol/response.h"
#include "proxy/client_session.h"
#include "proxy/may_write.h"
#include "proxy/reply_delivery.h"
#include "proxy/request_lines.h"

namespace ringcache::proxy {

using protocol::Command;
using protocol::Request;
using routing::RoutePlan;

namespace {

enum class ReplicaKind : std::uint8_t { kReadAny, kOwner, kOwnerAndForget, kAll, kDecided };

bool has_any(const Request& request, std::string_view letters) {
  return std::any_of(letters.begin(), letters.end(),
                     [&](char letter) { return request.meta.has(letter); });
}

ReplicaKind kind_of(const Request& request) {
  switch (request.command) {
    case Command::kGet:
      return ReplicaKind::kReadAny;
    case Command::kSet:
    case Command::kDelete:
    case Command::kTouch:
      return ReplicaKind::kAll;
    case Command::kMetaGet:
      if (may_write(request)) return ReplicaKind::kOwnerAndForget;
      return has_any(request, "cER") ? ReplicaKind::kOwner : ReplicaKind::kReadAny;
    case Command::kMetaSet:
      return has_any(request, "CEIM") ? ReplicaKind::kDecided : ReplicaKind::kAll;
    case Command::kMetaDelete:
      return has_any(request, "CEITx") ? ReplicaKind::kDecided : ReplicaKind::kAll;
    case Command::kGat:
    case Command::kGats:
      return ReplicaKind::kOwnerAndForget;
    default:
      return may_write(request) ? ReplicaKind::kDecided : ReplicaKind::kOwner;
  }
}

std::string_view forget_line(ProxyWorker& worker, const Request& request, std::string_view key) {
  const bool meta = protocol::spec(request.command).meta;
  const std::string_view name = meta ? "md " : "delete ";
  const std::string_view text = meta ? request.wire_key : key;
  const std::string_view end = meta && request.key_is_base64 ? " b\r\n" : "\r\n";
  char* const line = worker.line_buffer(name.size() + text.size() + end.size());
  char* at = std::copy(name.begin(), name.end(), line);
  at = std::copy(text.begin(), text.end(), at);
  at = std::copy(end.begin(), end.end(), at);
  return {line, static_cast<std::size_t>(at - line)};
}

}  // namespace

bool ClientSession::is_replicated(routing::PoolIndex pool) const {
  return worker_.table().replicas(pool).any();
}

ReplicaWrite::Place ClientSession::replica_place(const RoutePlan& plan) {
  const RoutingTable& table = worker_.table();
  return {.worker = &worker_,
          .pool = plan.pool,
          .nodes = table.replicas(plan.pool).of(table.pool(plan.pool).ring(), plan.hash),
          .generation = table.generation(),
          .client_number = number_};
}

// False: the request goes to the owner alone, as without copies.
bool ClientSession::replicate(const Request& request, const RoutePlan& plan, const DataBlock& data,
                              PendingRequest& pending) {
  switch (kind_of(request)) {
    case ReplicaKind::kReadAny:
      read_any(request, plan, pending);
      return true;
    case ReplicaKind::kAll:
      write_all(request, plan, data, pending);
      return true;
    case ReplicaKind::kDecided:
      decide_by_owner(request, plan, pending);
      return false;
    case ReplicaKind::kOwnerAndForget:
      forget_copies(request, plan, request.key());
      return false;
    default:
      return false;
  }
}

void ClientSession::read_any(const Request& request, const RoutePlan& plan,
                             PendingRequest& pending) {
  const bool meta = request.command == Command::kMetaGet;
  const InFlight entry{.pending = &pending,
                       .pool = pending.pool,
                       .command = request.command,
                       .whole = true,
                       .key_mark = request.key_is_base64 ? 0 : key_mark(request.key())};
  const std::string_view line = meta ? request_line(worker_, request) : std::string_view{};
  if (!worker_.replica_reads().begin(
          {plan.pool, plan.hash, request.command, request.key(), line, number_}, entry)) {
    pending.part_done(pending.started);
  }
}

// The copies first, the owner last: it may take the data block itself.
void ClientSession::write_all(const Request& request, const RoutePlan& plan, const DataBlock& data,
                              PendingRequest& pending) {
  const ReplicaWrite::Place place = replica_place(plan);
  pending.replica_write.begin();
  pending.parts_left = static_cast<std::uint32_t>(place.nodes.count);
  for (std::size_t i = place.nodes.count; i-- > 0;) {
    InFlight entry{.pending = &pending,
                   .pool = i == 0 ? pending.pool : nullptr,
                   .command = request.command,
                   .rank = static_cast<std::uint8_t>(i),
                   .whole = true,
                   .key_mark = request.key_is_base64 ? 0 : key_mark(request.key())};
    DataBlock block = data;
    if (i > 0) block.from = nullptr;
    Upstream& upstream = worker_.upstreams().get({plan.pool, place.nodes.nodes[i]}, number_);
    send_or_fail(upstream, entry, request_line(worker_, request), pending.started, block);
  }
}

void ClientSession::decide_by_owner(const Request& request, const RoutePlan& plan,
                                    PendingRequest& pending) {
  pending.replica_write.begin(replica_place(plan), forget_line(worker_, request, request.key()));
}

// Nobody waits for it: what the client reads is the owner's.
void ClientSession::forget_copies(const Request& request, const RoutePlan& plan,
                                  std::string_view key) {
  const ReplicaWrite::Place place = replica_place(plan);
  for (std::size_t i = 1; i < place.nodes.count; ++i) {
    const bool meta = protocol::spec(request.command).meta;
    const InFlight entry{.command = meta ? Command::kMetaDelete : Command::kDelete, .shadow = true};
    Upstream& upstream = worker_.upstreams().get({plan.pool, place.nodes.nodes[i]}, number_);
    static_cast<void>(upstream.send(entry, forget_line(worker_, request, key)));
  }
}

}  // namespace ringcache::proxy
