// A session that speaks the binary protocol: its first byte said so. Packets are executed one after
// the other, in their order; a large value is read straight into its item, as in the text protocol.
#include <utility>

#include "net/log.h"
#include "net/worker.h"
#include "protocol/binary_request_parser.h"
#include "store/node_session.h"

namespace ringcache::store {

using protocol::BinaryCommand;
using protocol::BinaryRequest;
using protocol::BinaryStatus;
using protocol::ParseResult;

// REQUIRES input.
NodeSession::Step NodeSession::choose_protocol(net::Connection& connection) {
  const auto first = static_cast<unsigned char>(connection.in().bytes()[0]);
  binary_ = worker_.binary_protocol && first == protocol::kBinaryRequestMagic;
  state_ = commands_state();
  return Step::kAgain;
}

NodeSession::Step NodeSession::run_binary(net::Connection& connection) {
  net::ReadBuffer& in = connection.in();
  for (std::size_t i = 0; i < kLookAhead && worker_.requests_left > 0; ++i) {
    if (in.empty()) return Step::kNeedMore;
    if (connection.output_full()) return Step::kOutputFull;
    BinaryRequest request;
    std::size_t consumed = 0;
    const ParseResult result = protocol::parse_binary_request(in.bytes(), request, consumed);
    if (result == ParseResult::kNeedMore) return Step::kNeedMore;
    --worker_.requests_left;
    const Step step = result == ParseResult::kInvalid
                          ? refuse_binary(connection, request, consumed)
                          : execute_binary(connection, request, consumed);
    if (step != Step::kAgain || state_ != State::kBinary) return step;
  }
  return Step::kAgain;
}

NodeSession::Step NodeSession::refuse_binary(net::Connection& connection,
                                             const BinaryRequest& request, std::size_t consumed) {
  worker_.protocol_errors.add();
  if (request.status != BinaryStatus::kSuccess) {
    Executor::answer_status(request.answer, request.status, connection.out());
  }
  connection.in().consume(request.close ? connection.in().size() : consumed);
  if (request.close) return Step::kClose;
  swallow(request.swallow_bytes);
  return Step::kAgain;
}

void NodeSession::swallow(std::uint64_t bytes) {
  if (bytes == 0) return;
  arriving().swallow_bytes = bytes;
  state_ = State::kSwallow;
}

NodeSession::Step NodeSession::execute_binary(net::Connection& connection,
                                              const BinaryRequest& request, std::size_t consumed) {
  if (worker_.trace_requests.load(std::memory_order_relaxed)) {
    worker_.executor.outside_batch([&] {
      net::log_debug("binary request", {{"peer", connection.peer()},
                                        {"opcode", std::uint64_t{request.answer.opcode}},
                                        {"key", request.key}});
    });
  }
  const HashedKey key = request.key.empty() ? HashedKey{} : worker_.executor.hashed(request.key);
  if (request.has_value()) return execute_binary_store(connection, request, key, consumed);
  auto& executed = worker_.executed;
  ++(request.answer.command == BinaryCommand::kGet ? executed.gets : executed.others);
  net::WriteBuffer scratch(connection.worker().pool());
  const Executor::Next next = worker_.executor.execute(request, key, connection.out(), scratch);
  connection.in().consume(consumed);
  return next == Executor::Next::kClose ? Step::kClose : Step::kAgain;
}

NodeSession::Step NodeSession::execute_binary_store(net::Connection& connection,
                                                    const BinaryRequest& request,
                                                    const HashedKey& key, std::size_t consumed) {
  net::ReadBuffer& in = connection.in();
  const std::size_t whole = consumed + request.value_bytes;
  if (in.size() >= whole) {
    end_upload();
    ++worker_.executed.sets;
    worker_.executor.store(request, key, in.bytes().substr(consumed, request.value_bytes),
                           connection.out());
    in.consume(whole);
    return Step::kAgain;
  }
  if (request.value_bytes < kStreamedValueBytesMin) {
    begin_upload(request.value_bytes);
    return Step::kNeedMore;
  }
  ++worker_.executed.sets;
  if (worker_.executor.start_store(request, key, arriving().pending, connection.out())) {
    state_ = State::kValue;
  } else {
    swallow(request.value_bytes);
  }
  in.consume(consumed);
  return Step::kAgain;
}

// The value is there whole.
void NodeSession::finish_binary_value(net::Connection& connection) {
  worker_.executor.finish_binary_store(arriving_->pending, connection.out());
  end_upload();
  state_ = State::kBinary;
}

}  // namespace ringcache::store
