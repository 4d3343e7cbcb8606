// ClientSession's uploads: a large data block is passed on while the client sends it, on a
// connection to the node that has nothing else to do meanwhile, so that a client which stops
// half-way holds up nobody.
//
// It begins when all before it is answered, and nothing behind it is taken until it is: so what the
// client reads next is what it wrote.
#include <algorithm>
#include <utility>

#include "net/worker.h"
#include "protocol/response.h"
#include "proxy/client_session.h"
#include "proxy/reply_delivery.h"
#include "proxy/request_lines.h"

namespace ringcache::proxy {

using protocol::Request;
using routing::RouteMode;
using routing::RoutePlan;

bool ClientSession::is_upload(const Request& request) const {
  const Limits& limits = worker_.table().limits();
  return request.value_bytes > limits.cut_through_bytes && limits.large_connections_per_node > 0;
}

ClientSession::Step ClientSession::begin_upload(const Request& request, std::size_t line_bytes) {
  if (pending_count_ > 0) return hold_back();
  net::ReadBuffer& in = connection_.in();
  const std::uint64_t data_bytes = std::uint64_t{request.value_bytes} + data_end().size();
  const RoutePlan plan = worker_.table().router().plan(request.command, request.key());
  if (plan.mode != RouteMode::kOne) {
    execute(request, {});  // says so
    in.consume(line_bytes);
    swallow_left_ = data_bytes;
    return Step::kGoOn;
  }
  // Counted once, however often it tries.
  if (upload_waits_since_ == 0 && !within_rate(request.command, request.key(), plan.pool)) {
    refuse_for_rate(request, plan);
    in.consume(line_bytes);
    swallow_left_ = data_bytes;
    return Step::kGoOn;
  }
  Upstream* const upstream = worker_.upstreams().take_for_upload(plan.owner());
  const net::SteadyNs now = worker_.io().now_ns();
  if (upstream == nullptr) {
    const std::chrono::nanoseconds patience =
        worker_.table().pool(plan.pool).options().timeouts.request;
    if (upload_waits_since_ == 0) upload_waits_since_ = now;
    if (now - upload_waits_since_ < patience.count()) {
      worker_.upstreams().wait_for_upload(plan.owner(), *this);
      return hold_back();
    }
  }
  upload_waits_since_ = 0;
  if (worker_.table().has_shadows()) count_shadow_of_upload(request, plan.pool);
  PendingRequest& pending = begin(request, &worker_.pool_counters(plan.pool), 1);
  if (worker_.table().pool(plan.pool).options().tracks_writes()) share(request, plan.pool, pending);
  if (is_replicated(plan.pool)) decide_by_owner(request, plan, pending);
  upload_out_ = true;
  InFlight entry{.pending = &pending,
                 .pool = pending.pool,
                 .command = request.command,
                 .whole = true,
                 .key_mark = request.key_is_base64 ? 0 : key_mark(request.key())};
  std::optional<NodeFailure> failure = NodeFailure::kOverload;
  if (upstream != nullptr) {
    failure = upstream->begin_upload(entry, request_line(worker_, request), *this);
  }
  in.consume(line_bytes);
  if (!failure) {
    upload_ = upstream;
    upload_left_ = data_bytes;
    return Step::kGoOn;
  }
  swallow_left_ = data_bytes;
  Upstream& of_node = worker_.upstreams().get(plan.owner(), number_);
  deliver_failure(entry, *failure, of_node.settings().node, of_node.counters());
  pending.part_done(now);
  return Step::kGoOn;
}

// The next part of the data block. REQUIRES upload_.
ClientSession::Step ClientSession::pass_upload_on() {
  if (upload_->upload_must_wait()) return hold_back();
  net::ReadBuffer& in = connection_.in();
  std::size_t count = std::min<std::uint64_t>(upload_left_, Upstream::kPassOnBytes);
  if (in.size() < count) {
    if (!in.ensure(count)) cut(ClientCut::kMemory);
    return Step::kStop;
  }
  if (upload_left_ - count == 1) --count;  // both bytes of its end are looked at together
  const bool ends = count == upload_left_;
  if (ends && !in.bytes().substr(0, count).ends_with(data_end())) {
    worker_.counters().protocol_errors[static_cast<std::size_t>(ProtocolError::kDataChunk)].add();
    in.consume(count);
    std::string line(protocol::kErrorBadDataChunk);
    std::exchange(upload_, nullptr)->abort_upload(line.append(protocol::kCrlf));
    return Step::kGoOn;
  }
  const std::size_t rest = in.size() - count;
  upload_->upload(in.bytes().substr(0, count), in);
  in.consume(in.size() - rest);
  upload_left_ -= count;
  if (ends) std::exchange(upload_, nullptr)->finish_upload(missing_data_end());
  return Step::kGoOn;
}

void ClientSession::upload_goes_on() {
  connection_.resume_reading();
}

void ClientSession::upload_over() {
  upload_ = nullptr;
  swallow_left_ = std::exchange(upload_left_, 0);
  connection_.resume_reading();
}

// True: the client will send no more of a data block that was begun, and is gone.
bool ClientSession::leave_upload() {
  if (upload_ == nullptr) return false;
  closed_ = true;
  connection_.close();
  return true;
}

void ClientSession::drop_upload() {
  if (upload_ != nullptr) std::exchange(upload_, nullptr)->abort_upload({});
  if (upload_waits_since_ != 0) worker_.upstreams().forget_waiting(*this);
}

}  // namespace ringcache::proxy
