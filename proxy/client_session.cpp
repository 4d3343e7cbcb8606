#include "proxy/client_session.h"

#include <algorithm>
#include <cassert>

#include "protocol/limits.h"
#include "protocol/response.h"

namespace ringcache::proxy {

using protocol::ParseResult;
using protocol::Request;

ClientSession::ClientSession(ProxyWorker& worker, net::Connection& connection)
    : worker_(worker), connection_(connection), number_(worker.next_client_number()) {
  connection.count_bytes_into(&worker.counters().client_read_bytes,
                              &worker.counters().client_written_bytes);
  if (worker.table().credentials() != nullptr) begin_as_stranger();
}

ClientSession::~ClientSession() {
  assert(oldest_ == nullptr);
}

void ClientSession::on_bytes(net::Connection& connection) {
  if (ending_ || closed_) {
    connection.in().consume(connection.in().size());
    return;
  }
  held_back_ = false;
  if (stranger_ && !admit()) return end_when_idle();
  while (connection.in().size() > 0 && !held_back_) {
    if (upload_ != nullptr) {
      if (pass_upload_on() == Step::kStop) break;
    } else if (connection.output_full()) {
      held_back_ = true;  // offered again by the connection when the output has drained
    } else if (window_full()) {
      hold_back();
    } else if (next_request() == Step::kStop) {
      break;
    }
  }
  end_when_idle();
}

bool ClientSession::window_full() const {
  if (pending_count_ == 0) return false;
  // A multiget longer than a part goes on when the part before it has been answered: what is known
  // of the size of earlier answers says nothing about these.
  if (!parser_.at_line_start() || upload_out_) return true;
  const Limits& limits = worker_.table().limits();
  const std::size_t expected_bytes = waiting_bytes_ + pending_count_ * answer_bytes_;
  return pending_count_ >= limits.pipeline_per_client ||
         (answer_bytes_ == 0 && pending_count_ >= kFirstRequestsMax) ||
         expected_bytes > limits.client_output_bytes / kOutputHighDivisor;
}

// So many of the largest values are half of what may wait for a client.
std::size_t ClientSession::multiget_keys_max() const {
  const Limits& limits = worker_.table().limits();
  const std::uint64_t keys =
      limits.client_output_bytes / 2 / std::max<std::uint64_t>(limits.item_bytes, 1);
  return static_cast<std::size_t>(
      std::clamp<std::uint64_t>(keys, 1, protocol::kMultigetKeysPerRequest));
}

ClientSession::Step ClientSession::next_request() {
  if (swallow_left_ > 0) return swallow();
  if (connection_.in().size() < bytes_needed_) return Step::kStop;
  bytes_needed_ = 0;
  if (protocol_ == Protocol::kUnknown) choose_protocol();
  return is_binary() ? next_packet() : next_line();
}

ClientSession::Step ClientSession::next_line() {
  net::ReadBuffer& in = connection_.in();
  Request& request = worker_.request();
  std::size_t consumed = 0;
  parser_.set_multiget_keys_max(multiget_keys_max());
  const protocol::RequestParser before = parser_;
  const ParseResult result = parser_.parse(in.bytes(), request, consumed);
  switch (result) {
    case ParseResult::kNeedMore:
      in.consume(consumed);
      return Step::kStop;
    case ParseResult::kInvalid:
      return refuse(request, consumed);
    case ParseResult::kDone:
      break;
  }
  if (pending_count_ > 0 && must_wait(request)) {
    parser_ = before;
    return hold_back();
  }
  if (protocol::spec(request.command).has_value) return take_with_value(request, consumed);
  execute(request, {});
  in.consume(consumed);
  if (!ending_) return Step::kGoOn;
  in.consume(in.size());
  end_when_idle();
  return Step::kStop;
}

ClientSession::Step ClientSession::refuse(const Request& request, std::size_t line_bytes) {
  const auto kind = request.close ? ProtocolError::kCommandTooLong : ProtocolError::kCommand;
  worker_.counters().protocol_errors[static_cast<std::size_t>(kind)].add();
  if (!request.error.empty() && !request.quiet) answer_line(request.error);
  connection_.in().consume(line_bytes);
  swallow_left_ = request.swallow_bytes;
  if (!request.close) return Step::kGoOn;
  ending_ = true;
  connection_.in().consume(connection_.in().size());
  end_when_idle();
  return Step::kStop;
}

ClientSession::Step ClientSession::swallow() {
  net::ReadBuffer& in = connection_.in();
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(swallow_left_, in.size()));
  in.consume(bytes);
  swallow_left_ -= bytes;
  return Step::kGoOn;
}

// A storage command is sent when its data block is here whole, so that a client that stops half-way
// holds up nobody else on the connection to the node.
ClientSession::Step ClientSession::take_with_value(const Request& request, std::size_t line_bytes) {
  net::ReadBuffer& in = connection_.in();
  auto& errors = worker_.counters().protocol_errors;
  const bool silent = request.quiet && !protocol::spec(request.command).meta;
  if (request.value_bytes > worker_.table().limits().item_bytes) {
    errors[static_cast<std::size_t>(ProtocolError::kTooLarge)].add();
    forget_oversized(request);
    in.consume(line_bytes);
    swallow_left_ = std::uint64_t{request.value_bytes} + data_end().size();
    return Step::kGoOn;
  }
  if (request.value_bytes > worker_.table().limits().cut_through_bytes) {
    worker_.large_keys().note(key_mark(request.key()), request.value_bytes);
  }
  if (is_upload(request)) return begin_upload(request, line_bytes);
  const std::size_t data_bytes = request.value_bytes + data_end().size();
  if (in.size() < line_bytes + data_bytes) {
    bytes_needed_ = line_bytes + data_bytes;
    if (!in.ensure(bytes_needed_)) cut(ClientCut::kMemory);
    return Step::kStop;
  }
  in.consume(line_bytes);
  const std::size_t left = in.size() - data_bytes;
  const std::string_view data = in.bytes().substr(0, data_bytes);
  if (data.ends_with(data_end())) {
    execute(request, data);  // which may move the data out of `in`
  } else {
    errors[static_cast<std::size_t>(ProtocolError::kDataChunk)].add();
    if (!silent) answer_line(protocol::kErrorBadDataChunk);
  }
  in.consume(in.size() - left);
  return Step::kGoOn;
}

void ClientSession::append(PendingRequest& request, const ReplyBytes& reply) {
  if (closed_) return;
  if (request.packets.wanted()) return append_packets(request, reply);
  put(request, reply);
}

void ClientSession::put(PendingRequest& request, const ReplyBytes& reply) {
  if (closed_) return;
  request.reply_bytes += reply.bytes.size();
  if (&request == oldest_) {
    append_to(connection_.out(), reply);
    connection_.schedule_flush();
  } else {
    request.reply.append(reply);
    waiting_bytes_ += reply.bytes.size();
  }
  const std::uint64_t held = waiting_bytes_ + connection_.out().bytes();
  if (held > worker_.table().limits().client_output_bytes) cut(ClientCut::kOutputLimit);
}

void ClientSession::release_finished() {
  while (oldest_ != nullptr) {
    PendingRequest& request = *oldest_;
    if (!request.reply.empty()) {
      waiting_bytes_ -= request.reply.bytes();
      if (closed_) {
        request.reply.clear();
      } else {
        request.reply.move_to(connection_.out());
      }
    }
    if (!request.finished) break;
    oldest_ = request.next;
    if (oldest_ == nullptr) newest_ = nullptr;
    --pending_count_;
    learn_lanes(request);
    request.owner->give_back(request);
  }
  if (closed_) return;
  connection_.schedule_flush();
  if (connection_.reading_paused() && !window_full()) connection_.resume_reading();
  end_when_idle();
}

// Forgets an eighth of what it knows with each answer, so that one large value long ago does not
// hold back a pipeline of small ones for long.
void ClientSession::learn_size(std::size_t answer_bytes) {
  answer_bytes_ = std::max({answer_bytes, answer_bytes_ - answer_bytes_ / 8, std::size_t{1}});
}

// Answers to a client that does not read cannot be stopped on their way without stopping those of
// other clients on the same connection to the node, so the client goes.
void ClientSession::cut(ClientCut reason) {
  if (closed_) return;
  worker_.counters().clients_cut[static_cast<std::size_t>(reason)].add();
  closed_ = true;
  connection_.close();
}

void ClientSession::end_when_idle() {
  if (upload_ != nullptr) return;
  const bool over = ending_ || (input_ended_ && !held_back_);
  if (!over || closed_ || oldest_ != nullptr) return;
  closed_ = true;
  connection_.close_after_flush();
}

void ClientSession::on_end_of_input(net::Connection&) {
  if (leave_upload()) return;
  input_ended_ = true;
  end_when_idle();
}

// What has arrived is still answered; a client that goes on asking is cut when the grace is over.
void ClientSession::on_drain(net::Connection&) {
  if (leave_upload()) return;
  input_ended_ = true;
  end_when_idle();
}

void ClientSession::on_closed(net::Connection&, const net::CloseInfo&) {
  closed_ = true;
  while (oldest_ != nullptr) {
    PendingRequest& request = *oldest_;
    oldest_ = request.next;
    request.next = nullptr;
    request.session = nullptr;
    if (request.finished) request.owner->give_back(request);
  }
  newest_ = nullptr;
  pending_count_ = 0;
  large_out_bytes_ = 0;
  writes_out_ = 0;
  drop_upload();
}

}  // namespace ringcache::proxy
