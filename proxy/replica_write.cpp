#include "proxy/replica_write.h"

#include "net/worker.h"
#include "proxy/pending_request.h"
#include "proxy/proxy_worker.h"
#include "proxy/reply_delivery.h"

namespace ringcache::proxy {

using protocol::Response;
using protocol::ResponseStatus;

namespace {

constexpr std::string_view kMovedLine =
    "SERVER_ERROR the nodes changed meanwhile; an older copy may be left\r\n";

// What follows must not be done where nothing has changed.
bool may_have_changed(ResponseStatus status) {
  switch (status) {
    case ResponseStatus::kNotStored:
    case ResponseStatus::kExists:
    case ResponseStatus::kNotFound:
    case ResponseStatus::kMetaMiss:
    case ResponseStatus::kMetaNotFound:
    case ResponseStatus::kMetaNotStored:
    case ResponseStatus::kMetaExists:
    case ResponseStatus::kClientError:
      return false;
    default:
      return true;
  }
}

}  // namespace

void ReplicaWrite::begin(const Place& place, std::string_view forget_line) {
  on_ = true;
  forgets_ = true;
  place_ = place;
  forget_line_.assign(forget_line);
}

void ReplicaWrite::clear() {
  on_ = failed_ = forgets_ = false;
  status_ = ResponseStatus::kError;
  answer_.clear();
}

void ReplicaWrite::take(std::uint8_t rank, const Response& response) {
  const bool refused = protocol::is_error(response.status);
  if (failed_ || (rank > 0 && !refused)) return;
  failed_ = refused;
  status_ = response.status;
  answer_.assign(response.bytes);
}

void ReplicaWrite::fail(std::string_view line) {
  if (failed_) return;
  failed_ = true;
  status_ = ResponseStatus::kServerError;
  answer_.assign(line);
}

void ReplicaWrite::forget_others(PendingRequest& request) {
  if (!forgets_ || (!answer_.empty() && !may_have_changed(status_))) return;
  forgets_ = false;
  ProxyWorker& worker = *place_.worker;
  if (worker.table().generation() != place_.generation) return fail(kMovedLine);
  for (std::size_t i = 1; i < place_.nodes.count; ++i) {
    Upstream& upstream =
        worker.upstreams().get({place_.pool, place_.nodes.nodes[i]}, place_.client_number);
    InFlight entry{.pending = &request,
                   .command = forget_line_.starts_with("md ") ? protocol::Command::kMetaDelete
                                                              : protocol::Command::kDelete,
                   .rank = static_cast<std::uint8_t>(i)};
    ++request.parts_left;
    const auto failure = upstream.send(entry, forget_line_);
    if (!failure) continue;
    deliver_failure(entry, *failure, upstream.settings().node, upstream.counters());
    --request.parts_left;  // not the last: the caller's is to come
  }
}

}  // namespace ringcache::proxy
