#include "store/node_session.h"

#include <algorithm>
#include <utility>

#include "net/log.h"
#include "net/worker.h"

namespace ringcache::store {

using protocol::AuthVerdict;
using protocol::Command;
using protocol::ParseResult;

NodeSession::NodeSession(net::Connection& connection, NodeWorker& worker)
    : worker_(worker), entry_(connection) {
  connection.count_bytes_into(&worker.read_bytes, &worker.written_bytes);
  entry_.last_command = worker.clock.seconds(connection.worker().now_ns());
  worker_.sessions.add(entry_);
  record_connection(WatchEventType::kConnNew, net::CloseReason::kLocal);
  if (worker_.credentials != nullptr) {
    state_ = State::kStranger;
    if (worker_.auth_timeout.count() > 0) set_due(worker_.auth_timeout);
  }
}

NodeSession::~NodeSession() {
  worker_.sessions.remove(entry_);
}

void NodeSession::on_bytes(net::Connection& connection) {
  const Seconds now = worker_.clock.seconds(connection.worker().now_ns());
  entry_.last_command.store(now, std::memory_order_relaxed);
  if (state_ == State::kStranger && !authenticate(connection)) return;
  worker_.executor.begin_turn(now, connection.native_handle());
  worker_.requests_left = worker_.requests_per_turn;
  worker_.leaves_off_ns = 0;
  const Step step = run(connection);
  worker_.executor.end_turn();
  record_durations(connection);
  output_was_full_ = step == Step::kOutputFull;
  if (output_was_full_) worker_.output_pauses.add();
  yielded_ = step == Step::kYield;
  if (yielded_) worker_.conn_yields.add();
  // A listing has more to say though nothing more is asked.
  if (yielded_ || (output_was_full_ && state_ == State::kDump)) connection.yield();
  publish_state();
  const bool all_executed = !output_was_full_ && !yielded_ && state_ != State::kRefresh;
  if (all_executed) end_if_draining();
  if (step == Step::kClose || (input_ended_ && all_executed)) connection.close_after_flush();
}

NodeSession::Step NodeSession::run(net::Connection& connection) {
  Step step = Step::kAgain;
  while (step == Step::kAgain) {
    if (connection.output_full() && state_ != State::kWatch) {
      const bool has_more = state_ == State::kDump || !connection.in().empty();
      return has_more ? Step::kOutputFull : Step::kNeedMore;
    }
    switch (state_) {
      case State::kFirst:
        step = connection.in().empty() ? Step::kNeedMore : choose_protocol(connection);
        break;
      case State::kBinary:
        if (turn_is_over() && !connection.in().empty()) return Step::kYield;
        step = run_binary(connection);
        break;
      case State::kStranger:  // does not come here
      case State::kCommands:
        if (turn_is_over() && !connection.in().empty()) return Step::kYield;
        step = run_commands(connection);
        break;
      case State::kValue:
        step = run_value(connection);
        break;
      case State::kSwallow:
        step = run_swallow(connection);
        break;
      case State::kDump:
        step = run_dump(connection);
        break;
      case State::kRefresh:
        step = Step::kNeedMore;  // goes on in finish_refresh()
        break;
      case State::kWatch:
        step = run_watch(connection);
        break;
    }
  }
  return step;
}

// The clock is read after each look-ahead but the first, which most turns have only.
bool NodeSession::turn_is_over() {
  if (worker_.requests_left == 0) return true;
  if (worker_.requests_left == worker_.requests_per_turn) return false;
  const std::int64_t now_ns = entry_.connection.worker().precise_ns();
  if (worker_.leaves_off_ns == 0) worker_.leaves_off_ns = now_ns + kNanosecondsPerTurn;
  return now_ns >= worker_.leaves_off_ns;
}

// --- who it is ---------------------------------------------------------------------------------

bool NodeSession::authenticate(net::Connection& connection) {
  net::ReadBuffer& in = connection.in();
  const std::shared_ptr<const net::Credentials> credentials = worker_.credentials->current();
  output_was_full_ = false;
  while (state_ == State::kStranger && !in.empty()) {
    if (arriving_ && arriving_->swallow_bytes > 0) {
      drop_stranger_block(in);
      continue;
    }
    output_was_full_ = connection.output_full();
    if (output_was_full_) {
      worker_.output_pauses.add();
      return false;
    }
    const protocol::AuthStep step = protocol::authenticate(in.bytes(), *credentials);
    in.consume(step.consumed_bytes);
    connection.out().append(step.answer);
    worker_.count_authentication(step.verdict, connection);
    if (step.verdict == AuthVerdict::kNeedMore) break;
    if (step.verdict == AuthVerdict::kClose) connection.close_after_flush();
    if (step.verdict == AuthVerdict::kClose) return false;
    if (step.verdict == AuthVerdict::kGranted) state_ = State::kCommands;
    if (step.swallow_bytes > 0) arriving().swallow_bytes = step.swallow_bytes;
  }
  if (state_ == State::kCommands) {
    end_upload();
    return true;
  }
  if (input_ended_) connection.close_after_flush();
  return false;
}

// Within the time that there is for the password, if there is one.
void NodeSession::drop_stranger_block(net::ReadBuffer& in) {
  const std::uint64_t here = std::min<std::uint64_t>(in.size(), arriving_->swallow_bytes);
  in.consume(static_cast<std::size_t>(here));
  arriving_->swallow_bytes -= here;
  if (arriving_->swallow_bytes == 0 && arriving_->due_ns == 0) end_upload();
}

// --- commands ----------------------------------------------------------------------------------

NodeSession::Step NodeSession::run_commands(net::Connection& connection) {
  net::ReadBuffer& in = connection.in();
  if (in.empty()) return Step::kNeedMore;
  std::size_t tail = 0;
  const std::size_t count = parse_ahead(in.bytes(), tail);
  worker_.requests_left -= static_cast<std::uint32_t>(count);
  prefetch(count);
  std::size_t done = 0;
  Step step = Step::kAgain;
  for (std::size_t i = 0; i < count && step == Step::kAgain; ++i) {
    ParsedRequest& parsed = worker_.parsed[i];
    if (connection.output_full()) {
      take_back(parsed);
      in.consume(done);
      return Step::kOutputFull;
    }
    step = execute(connection, parsed);
    if (step == Step::kOutputFull || step == Step::kNeedMore) {
      take_back(parsed);
      in.consume(done);
      return step;
    }
    done = parsed.end;
  }
  if (step == Step::kAgain && state_ == State::kCommands) {
    done = tail;
    if (count == 0) step = Step::kNeedMore;
  }
  in.consume(done);
  return step;
}

std::size_t NodeSession::parse_ahead(std::string_view bytes, std::size_t& tail) {
  std::size_t offset = 0;
  std::size_t count = 0;
  const std::size_t most = std::min<std::size_t>(kLookAhead, worker_.requests_left);
  while (count < most && offset < bytes.size()) {
    ParsedRequest& parsed = worker_.parsed[count];
    parsed.before = parser_;
    parsed.begin = offset;
    std::size_t consumed = 0;
    parsed.result = parser_.parse(bytes.substr(offset), parsed.request, consumed);
    offset += consumed;
    if (parsed.result == ParseResult::kNeedMore) break;
    parsed.line_end = offset;
    parsed.has_block = false;
    if (parsed.result == ParseResult::kDone && protocol::spec(parsed.request.command).has_value) {
      const std::size_t block_bytes = std::size_t{parsed.request.value_bytes} + 2;
      parsed.has_block = bytes.size() - offset >= block_bytes;
      if (parsed.has_block) offset += block_bytes;
    }
    parsed.end = offset;
    ++count;
    if (ends_look_ahead(parsed)) break;
  }
  tail = offset;
  return count;
}

// What follows can't be parsed before this request has been dealt with.
bool NodeSession::ends_look_ahead(const ParsedRequest& parsed) {
  if (parsed.result == ParseResult::kInvalid) {
    return parsed.request.close || parsed.request.swallow_bytes > 0;
  }
  switch (parsed.request.command) {
    case Command::kQuit:
    case Command::kWatch:
    case Command::kRefreshCerts:
    case Command::kLruCrawler:
    case Command::kStats:
      return true;
    default:
      return protocol::spec(parsed.request.command).has_value && !parsed.has_block;
  }
}

void NodeSession::prefetch(std::size_t count) {
  Executor& executor = worker_.executor;
  for (std::size_t i = 0; i < count; ++i) {
    ParsedRequest& parsed = worker_.parsed[i];
    const bool has_key = parsed.result == ParseResult::kDone && !parsed.request.keys().empty();
    if (!has_key) {
      parsed.key = {};
      continue;
    }
    parsed.key = executor.hashed(parsed.request.key());
    executor.prefetch(parsed.key);
  }
  if (count < 2) return;
  for (std::size_t i = 0; i < count; ++i) {
    if (!worker_.parsed[i].key.bytes.empty()) executor.prefetch_item(worker_.parsed[i].key);
  }
}

NodeSession::Step NodeSession::execute(net::Connection& connection, ParsedRequest& parsed) {
  if (worker_.trace_requests.load(std::memory_order_relaxed)) {
    worker_.executor.outside_batch([&] {
      net::log_debug("request", {{"peer", connection.peer()}, {"line", parsed.request.line}});
    });
  }
  if (parsed.result == ParseResult::kInvalid) return refuse(connection, parsed);
  const Command command = parsed.request.command;
  const protocol::CommandSpec& spec = protocol::spec(command);
  if (spec.has_value) return execute_store(connection, parsed);
  count(command);
  if (get_refused_) {  // the rest of a multiget that has its error already
    get_refused_ = parsed.request.more_keys;
    return Step::kAgain;
  }
  if (command == Command::kRefreshCerts) return start_refresh(connection);
  if (!spec.multi_key) {
    const Executor::Next next =
        worker_.executor.execute(parsed.request, parsed.key, connection.out());
    if (next == Executor::Next::kWatch) return start_watching(connection, parsed.request);
    if (next == Executor::Next::kDump) return start_dump(connection);
    return next == Executor::Next::kClose ? Step::kClose : Step::kAgain;
  }
  const std::size_t answered = worker_.executor.retrieve(
      parsed.request, keys_answered_, connection.options().output_high_bytes, connection.out());
  if (answered == Executor::kRefused) {
    get_refused_ = parsed.request.more_keys;
  } else if (answered < parsed.request.keys().size()) {
    keys_answered_ = static_cast<std::uint16_t>(answered);
    return Step::kOutputFull;
  }
  keys_answered_ = 0;
  return Step::kAgain;
}

NodeSession::Step NodeSession::refuse(net::Connection& connection, const ParsedRequest& parsed) {
  worker_.protocol_errors.add();
  if (!std::exchange(get_refused_, false)) {
    worker_.executor.refuse(parsed.request, connection.out());
  }
  keys_answered_ = 0;
  if (parsed.request.close) return Step::kClose;
  if (parsed.request.swallow_bytes > 0) {
    arriving().swallow_bytes = parsed.request.swallow_bytes;
    state_ = State::kSwallow;
  }
  return Step::kAgain;
}

// --- the connection's life ---------------------------------------------------------------------

void NodeSession::on_drained(net::Connection&) {
  entry_.state = state_ == State::kWatch ? SessionState::kWatching : SessionState::kReading;
}

void NodeSession::on_end_of_input(net::Connection& connection) {
  input_ended_ = true;
  stop_watching();
  if (output_was_full_ || yielded_ || state_ == State::kRefresh) return;
  connection.close_after_flush();
}

void NodeSession::on_drain(net::Connection& connection) {
  draining_ = true;
  stop_watching();
  if (output_was_full_ || yielded_ || state_ == State::kRefresh) return;
  end_if_draining();
  if (input_ended_) connection.close_after_flush();
}

// REQUIRES that all that is there was executed. What begins behind an awaited value is not awaited.
void NodeSession::end_if_draining() {
  if (!draining_ || last_block_) return;
  last_block_ = arriving_ && (state_ == State::kValue || state_ == commands_state());
  if (!last_block_) input_ended_ = true;
}

void NodeSession::on_closed(net::Connection& connection, const net::CloseInfo& info) {
  connection.in().take_back();
  if (state_ == State::kValue) worker_.executor.abandon_store(arriving_->pending);
  if (state_ == State::kDump) abandon_dump();
  if (state_ == State::kRefresh) worker_.abandon_refresh(*this);
  state_ = State::kCommands;
  end_upload();
  stop_watching();
  record_connection(WatchEventType::kConnClose, info.reason);
  if (info.reason == net::CloseReason::kIdle) worker_.idle_kicks.add();
  if (net::log_enabled(net::LogLevel::kDebug)) {
    net::log_debug("connection closed", {{"peer", connection.peer()},
                                         {"reason", net::to_string(info.reason)},
                                         {"read_bytes", connection.read_bytes()},
                                         {"written_bytes", connection.written_bytes()}});
  }
}

// --- figures -----------------------------------------------------------------------------------

void NodeSession::count(Command command) {
  std::uint32_t& counter = protocol::is_read(command)          ? worker_.executed.gets
                           : protocol::spec(command).has_value ? worker_.executed.sets
                                                               : worker_.executed.others;
  ++counter;
}

void NodeSession::record_durations(net::Connection& connection) {
  auto& [gets, sets, others] = worker_.executed;
  if (gets + sets + others == 0) return;
  const std::int64_t elapsed = connection.worker().precise_ns() - connection.worker().now_ns();
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed, 0));
  if (gets > 0) worker_.get_duration.record_ns(ns, gets);
  if (sets > 0) worker_.set_duration.record_ns(ns, sets);
  if (others > 0) worker_.other_duration.record_ns(ns, others);
  gets = sets = others = 0;
}

void NodeSession::publish_state() {
  SessionState state = SessionState::kReading;
  if (output_was_full_) {
    state = SessionState::kWriting;
  } else if (state_ == State::kValue) {
    state = SessionState::kValue;
  } else if (state_ == State::kSwallow) {
    state = SessionState::kSwallowing;
  } else if (state_ == State::kDump) {
    state = SessionState::kDumping;
  } else if (state_ == State::kWatch) {
    state = SessionState::kWatching;
  }
  entry_.state.store(state, std::memory_order_relaxed);
}

}  // namespace ringcache::store
