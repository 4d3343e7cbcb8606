// What a session does while a data block arrives: it is executed when it is all there, read
// straight into its item when it is large, dropped when its command was refused; within its time.
#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

#include "net/worker.h"
#include "store/node_session.h"

namespace ringcache::store {

NodeSession::Step NodeSession::execute_store(net::Connection& connection, ParsedRequest& parsed) {
  const protocol::Request& request = parsed.request;
  if (parsed.has_block) {
    end_upload();
    count(request.command);
    const std::string_view block =
        connection.in().bytes().substr(parsed.line_end, std::size_t{request.value_bytes} + 2);
    worker_.executor.store(request, parsed.key, block, connection.out());
    return Step::kAgain;
  }
  if (request.value_bytes < kStreamedValueBytesMin) {
    begin_upload(request.value_bytes);
    return Step::kNeedMore;
  }
  count(request.command);
  ArrivingBlock& block = arriving();
  if (worker_.executor.start_store(request, parsed.key, block.pending, connection.out())) {
    state_ = State::kValue;
  } else {
    block.swallow_bytes = std::uint64_t{request.value_bytes} + 2;
    state_ = State::kSwallow;
  }
  return Step::kAgain;
}

NodeSession::Step NodeSession::run_value(net::Connection& connection) {
  net::ReadBuffer& in = connection.in();
  Reservation& reservation = arriving_->pending.reservation;
  reservation.advance(std::exchange(arriving_->lent_bytes, 0));
  if (reservation.remaining() > 0) {
    const std::size_t here = std::min(in.size(), reservation.remaining());
    reservation.write(in.bytes().substr(0, here));
    in.consume(here);
    if (reservation.remaining() > 0) {
      lend(connection);
      begin_upload(reservation.value_bytes());
      return Step::kNeedMore;
    }
  }
  if (binary_) {
    finish_binary_value(connection);
    return Step::kAgain;
  }
  if (in.size() < protocol::kCrlf.size()) {
    begin_upload(reservation.value_bytes());
    return Step::kNeedMore;
  }
  const bool good_end = in.bytes().starts_with(protocol::kCrlf);
  in.consume(protocol::kCrlf.size());
  worker_.executor.finish_store(arriving_->pending, good_end, connection.out());
  end_upload();
  state_ = State::kCommands;
  return Step::kAgain;
}

ArrivingBlock::ArrivingBlock(net::TimerQueue& timers)
    : timer(timers, [this] { session->on_upload_timer(); }) {}

ArrivingBlock& NodeSession::arriving() {
  if (!arriving_) arriving_ = worker_.take_arriving(entry_.connection.worker().timers());
  arriving_->session = this;
  return *arriving_;
}

void NodeSession::end_upload() {
  if (last_block_) input_ended_ = true;
  if (arriving_) worker_.give_arriving(std::move(arriving_));
}

// Once for each block: what arrives of it later does not give it more time.
void NodeSession::begin_upload(std::uint64_t bytes) {
  if (arriving().due_ns != 0 || worker_.upload_timeout.count() == 0) return;
  set_due(worker_.upload_timeout +
          std::chrono::milliseconds(bytes * 1000 / kUploadBytesPerSecondMin));
}

void NodeSession::set_due(std::chrono::nanoseconds time) {
  ArrivingBlock& block = arriving();
  block.due_ns = entry_.connection.worker().now_ns() + time.count();
  block.timer.after(time);
}

void NodeSession::on_upload_timer() {
  if (!entry_.connection.is_open()) return;
  (state_ == State::kStranger ? worker_.auth_kicks : worker_.upload_kicks).add();
  timed_out_ = true;
  entry_.connection.close();
}

// REQUIRES an empty input. A short rest is not worth a loan: it is copied when it comes.
void NodeSession::lend(net::Connection& connection) {
  const Reservation& reservation = arriving_->pending.reservation;
  if (reservation.remaining() < kStreamedValueBytesMin) return;
  std::array<std::span<char>, net::kLentPiecesMax> pieces;
  const std::size_t count = reservation.writable(pieces);
  if (!connection.in().lend(std::span<const std::span<char>>(pieces.data(), count))) return;
  for (std::size_t i = 0; i < count; ++i) arriving_->lent_bytes += pieces[i].size();
}

NodeSession::Step NodeSession::run_swallow(net::Connection& connection) {
  net::ReadBuffer& in = connection.in();
  const std::uint64_t here = std::min<std::uint64_t>(in.size(), arriving_->swallow_bytes);
  in.consume(static_cast<std::size_t>(here));
  arriving_->swallow_bytes -= here;
  if (arriving_->swallow_bytes > 0) {
    begin_upload(arriving_->swallow_bytes);
    return Step::kNeedMore;
  }
  end_upload();
  state_ = commands_state();
  return Step::kAgain;
}

}  // namespace ringcache::store
