#include "proxy/upstream.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <random>

#include "net/address.h"
#include "net/connector.h"
#include "net/log.h"
#include "net/worker.h"
#include "protocol/limits.h"
#include "proxy/replica_reads.h"
#include "proxy/reply_delivery.h"

namespace ringcache::proxy {

using protocol::ParseResult;
using protocol::ReplyKind;
using protocol::Response;
using routing::NodeResult;

namespace {

constexpr std::string_view kProbeLine = "version\r\n";
// Beside its value an element of a reply has a header line and two CRLFs.
constexpr std::size_t kElementOverheadBytes = protocol::kReplyLineBytesMax + 4;

net::Address to_address(const std::string& text) {
  net::Address address;
  std::string error;
  // config/ has read it before, so it parses; a bare host is port 11211 there.
  if (net::Address::parse(text, address, error)) return address;
  const routing::BackendParse parsed = routing::parse_backend(text);
  return parsed.backend.is_unix() ? net::Address::unix_path(parsed.backend.unix_path)
                                  : net::Address::tcp(parsed.backend.host, parsed.backend.port);
}

NodeResult to_result(NodeFailure failure) {
  switch (failure) {
    case NodeFailure::kTimeout:
      return NodeResult::kTimeout;
    case NodeFailure::kRefused:
    case NodeFailure::kTls:
    case NodeFailure::kAuth:
      return NodeResult::kRefused;
    case NodeFailure::kProtocol:
      return NodeResult::kProtocolError;
    case NodeFailure::kReset:
    case NodeFailure::kOverload:
      break;
  }
  return NodeResult::kReset;
}

// Without its CRLF.
constexpr std::string_view kTooManyConnections = "ERROR Too many open connections";

// A delay of `step` doublings, with up to a quarter more or less so that proxies do not retry in
// step with each other.
std::chrono::milliseconds back_off(std::uint32_t step) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto base = std::min<std::int64_t>(Upstream::kBackOffFirst.count() << std::min(step, 16u),
                                           Upstream::kBackOffMax.count());
  std::uniform_int_distribution<std::int64_t> jitter(-base / 4, base / 4);
  return std::chrono::milliseconds(base + jitter(random));
}

}  // namespace

Upstream::Upstream(net::Worker& worker, UpstreamSettings settings, NodeCounters& counters)
    : worker_(worker),
      settings_(std::move(settings)),
      counters_(counters),
      parser_(protocol::kValueBytesNameable),
      deadline_timer_(worker.timers(), [this] { check_deadlines(); }),
      retry_timer_(worker.timers(), [this] { open(); }),
      probe_timer_(worker.timers(), [this] { send_probe(); }),
      idle_timer_(worker.timers(), [this] { close_if_idle(); }) {}

Upstream::~Upstream() {
  if (connection_ != nullptr) connection_->abandon();
  end_upload();
  fail_all(NodeFailure::kReset, false);
}

net::SteadyNs Upstream::now() const {
  return worker_.now_ns();
}

void Upstream::set_table(RoutingTablePtr table, routing::Target target) {
  table_ = std::move(table);
  target_ = target;
}

void Upstream::report(NodeResult result) {
  const std::chrono::milliseconds at(worker_.now_ms());
  const routing::HealthVerdict verdict =
      table_->health(target_.pool).report(target_.node, result, at);
  if (!verdict.changed()) return;
  log_verdict(result, verdict.after);
  // So that it need not wait for traffic to be up again. A connection that is given up for this
  // result takes the timer along, and the next one begins with a probe.
  if (verdict.after == routing::NodeState::kSuspect && state_ == State::kUp) {
    probe_timer_.after(settings_.probe_interval);
  }
}

void Upstream::log_verdict(NodeResult result, routing::NodeState state) {
  const bool up = state == routing::NodeState::kUp;
  const auto suppressed = (up ? up_limiter_ : suspect_limiter_).admit(now());
  if (!suppressed) return;
  if (up) {
    net::log_info(
        "node up",
        {{"pool", settings_.pool}, {"node", settings_.node}, {"suppressed", *suppressed}});
  } else {
    net::log_warn("node suspect", {{"pool", settings_.pool},
                                   {"node", settings_.node},
                                   {"reason", routing::name(result)},
                                   {"suppressed", *suppressed}});
  }
}

void Upstream::update(UpstreamSettings settings) {
  settings_ = std::move(settings);
  if (connection_ != nullptr) close_if_idle();
}

void Upstream::connect_early() {
  if (state_ == State::kIdle) open();
}

void Upstream::open() {
  net::ConnectOptions options;
  options.timeout = settings_.timeouts.connect;
  options.tls = settings_.secrets.tls;
  options.connection.read_limit_bytes = settings_.item_bytes_max + kElementOverheadBytes;
  // A node that reads no more until its replies are read must still be read: what waits to be sent
  // is bounded by send(), not by holding back replies.
  options.connection.output_high_bytes = std::numeric_limits<std::size_t>::max() / 2;
  options.connection.output_low_bytes = options.connection.output_high_bytes;
  state_ = State::kConnecting;
  closing_for_.reset();
  bytes_needed_ = 0;
  skip_left_ = 0;
  passing_ = {};
  waits_to_pass_on_ = false;
  answered_ = false;
  connection_ = &net::connect(worker_, to_address(settings_.address), options, *this);
  connection_->count_bytes_into(&counters_.read_bytes, &counters_.written_bytes);
  logging_in_ = settings_.secrets.login != nullptr;
  if (logging_in_) begin_login();
}

void Upstream::on_connected(net::Connection&) {
  if (!logging_in_) counters_.connects[static_cast<std::size_t>(ConnectResult::kOk)].add();
  counters_.connections.add();
  state_ = State::kUp;
  used_ = now();
  close_if_idle();
  if (!failed_before_) return;
  state_ = State::kProbing;
  send_probe();
}

// A probe has its place in the queue like any request, so its timeout and its reply are found as
// those of any other.
void Upstream::send_probe() {
  if (connection_ == nullptr || !connection_->is_open()) return;
  if (uploader_ != nullptr) return probe_timer_.after(settings_.probe_interval);  // not amid data
  InFlight probe;
  probe.probe = true;
  probe.command = protocol::Command::kVersion;
  enqueue(probe);
  connection_->out().append(kProbeLine);
  connection_->schedule_flush();
}

std::optional<NodeFailure> Upstream::send(const InFlight& entry, std::string_view line,
                                          const DataBlock& data) {
  if (state_ == State::kIdle) open();
  const bool unsure = failed_before_ && state_ != State::kUp && state_ != State::kIdle;
  if (unsure || closing_for_) {
    return closing_for_.value_or(last_failure_);
  }
  if (in_flight_.size() >= settings_.pending_max ||
      connection_->out().bytes() > settings_.pending_bytes_max) {
    return NodeFailure::kOverload;
  }
  enqueue(entry);
  counters_.requests.add();
  if (settings_.large) counters_.large_requests.add();
  net::WriteBuffer& out = connection_->out();
  out.append(line);
  if (!data.bytes.empty()) append_to(out, {data.bytes, data.from});
  out.append(data.end);
  if (state_ == State::kUp) connection_->schedule_flush();
  return std::nullopt;
}

void Upstream::enqueue(const InFlight& entry) {
  in_flight_.push_back(entry);
  used_ = now();
  in_flight_[in_flight_.size() - 1].sent = used_;
  counters_.in_flight.add();
  if (!deadline_timer_.armed()) arm_deadline();
}

void Upstream::on_bytes(net::Connection& connection) {
  received_ = now();
  Response response;
  while (!closing_for_ && connection.in().size() > 0) {
    if (passing_.left > 0) {
      if (!pass_on()) return;
      continue;
    }
    if (skip_left_ > 0 && !skip_oversized()) return;
    const bool turn_has_come = waits_to_pass_on_ && may_pass_on();
    if (connection.in().empty()) return;
    if (connection.in().size() < bytes_needed_ && !turn_has_come) return;
    bytes_needed_ = 0;
    waits_to_pass_on_ = false;
    if (in_flight_.empty()) return give_up(NodeFailure::kProtocol);  // a reply nobody asked for
    const ReplyKind kind = protocol::reply_kind(in_flight_.front().command);
    std::size_t consumed = 0;
    const ParseResult result = parser_.parse(connection.in().bytes(), kind, response, consumed);
    if (result == ParseResult::kInvalid) return give_up(NodeFailure::kProtocol);
    const bool has_header =
        response.header_bytes > 0 && (result == ParseResult::kNeedMore || !response.value.empty());
    if (has_header && response.value_bytes > settings_.item_bytes_max) {
      skip_left_ = response.header_bytes + response.value_bytes + protocol::kCrlf.size();
      continue;
    }
    if (has_header) note_size(response);
    if (result == ParseResult::kNeedMore) {
      if (!take_part(response)) return;
      continue;
    }
    const std::size_t left = connection.in().size() - consumed;
    take_element(response);  // which may move it out of in()
    connection.in().consume(connection.in().size() - left);
  }
}

void Upstream::take_element(const Response& response) {
  InFlight& entry = in_flight_.front();
  // What a full node says to a new connection before it closes it answers no request.
  if (!answered_ && response.line == kTooManyConnections) return give_up(NodeFailure::kRefused);
  if (!is_reply_to(entry, response)) {
    if (entry.probe && state_ == State::kUp) counters_.health_check_failures.add();
    return give_up(NodeFailure::kProtocol);
  }
  if (entry.login && response.status != protocol::ResponseStatus::kStored) {
    return give_up(NodeFailure::kAuth);
  }
  if (response.last || entry.pending != nullptr) timeouts_in_row_ = 0;
  answered_ = answered_ || response.last;
  if (!entry.probe && !entry.login)
    deliver(entry, response, connection_->in(), settings_.node, counters_);
  if (response.last) finish_front();
}

void Upstream::finish_front() {
  const InFlight entry = in_flight_.front();
  in_flight_.pop_front();
  passing_ = {};
  if (timed_out_ > 0) --timed_out_;
  counters_.in_flight.sub();
  if (entry.login) return finish_login();  // a node that lets us in may be of no use yet
  if (entry.probe && state_ == State::kProbing) {
    state_ = State::kUp;
    failed_before_ = false;
    close_if_idle();  // begins to watch
  } else {
    back_off_step_ = 0;  // not for the first probe: a node that ends each connection after it flaps
  }
  report(NodeResult::kSuccess);
  if (entry.probe) {
    // Until the tracker calls the node up it is probed on, so that it need not wait for traffic.
    const bool up = table_->health(target_.pool).state(target_.node) == routing::NodeState::kUp;
    if (!up) probe_timer_.after(settings_.probe_interval);
  } else if (entry.pending != nullptr) {
    counters_.duration.record_ns(static_cast<std::uint64_t>(now() - entry.sent));
    entry.pending->part_done(now());
  }
  if (retired_ && is_free() && connection_ != nullptr) connection_->close();
  tell_free();
}

// Deadlines are looked at in the order of the queue, so a probe between requests may not have more
// time than they.
std::chrono::milliseconds Upstream::time_limit(const InFlight& entry) const {
  if (!entry.probe) return settings_.timeouts.request;
  if (state_ == State::kProbing) return settings_.probe_timeout;
  return std::min(settings_.probe_timeout, settings_.timeouts.request);
}

void Upstream::arm_deadline() {
  const net::SteadyNs next = next_due();
  if (next == kNever) return;
  deadline_timer_.after(std::chrono::nanoseconds(std::max<net::SteadyNs>(next - now(), 1)));
}

net::SteadyNs Upstream::due(const InFlight& entry) const {
  const net::SteadyNs limit = std::chrono::nanoseconds(time_limit(entry)).count();
  return std::min(std::max(entry.sent, received_) + limit,
                  entry.sent + kArrivingTimeFactor * limit);
}

void Upstream::check_deadlines() {
  if (uploader_ != nullptr) return check_upload();
  bool probe_timed_out = false;
  const bool passing = passing_.open;
  if (passing) check_passing();
  if (closing_for_) return;
  while (timed_out_ < in_flight_.size()) {
    InFlight& entry = in_flight_[timed_out_];
    if (now() < due(entry)) break;
    ++timed_out_;
    if (entry.probe && state_ == State::kUp) counters_.health_check_failures.add();
    if (!passing) {  // else they wait for a value, and the node is not hung
      ++timeouts_in_row_;
      probe_timed_out = probe_timed_out || entry.probe || entry.login;
      report(NodeResult::kTimeout);
    }
    count_shadow_failure(entry, NodeFailure::kTimeout, counters_);
    if (entry.pending == nullptr) continue;
    deliver_failure(entry, NodeFailure::kTimeout, settings_.node, counters_);
    PendingRequest* const pending = entry.pending;
    entry.pending = nullptr;
    pending->part_done(now());
  }
  const bool nothing_else_comes = retired_ && !passing && timed_out_ == in_flight_.size();
  if (timeouts_in_row_ >= settings_.fall || probe_timed_out || nothing_else_comes) {
    return give_up(NodeFailure::kTimeout);
  }
  arm_deadline();
}

// Looks again when it can be time, so that a request need not move a timer.
void Upstream::close_if_idle() {
  const net::SteadyNs limit = std::chrono::nanoseconds(settings_.timeouts.idle).count();
  const bool is_ending =
      closing_for_ || retired_ || connection_ == nullptr || !connection_->is_open();
  if (limit == 0 || state_ != State::kUp || is_ending) return;
  const bool up = table_->health(target_.pool).state(target_.node) == routing::NodeState::kUp;
  const net::SteadyNs quiet = is_free() && up ? now() - used_ : 0;  // else it is probed
  if (quiet < limit) return idle_timer_.after(std::chrono::nanoseconds(limit - quiet));
  counters_.idle_closes.add();
  drop_connection();
}

// Closes the connection; on_closed() does the rest, later in this turn.
void Upstream::give_up(NodeFailure failure) {
  if (closing_for_ || connection_ == nullptr) return;
  closing_for_ = failure;
  connection_->close();
}

void Upstream::on_closed(net::Connection& connection, const net::CloseInfo& info) {
  const bool was_connected = state_ == State::kUp || state_ == State::kProbing;
  const bool tls_failed = is_tls_failure(connection, info);
  if (state_ == State::kProbing) counters_.health_check_failures.add();
  connection_ = nullptr;
  end_upload();
  if (was_connected) counters_.connections.sub();
  probe_timer_.cancel();
  idle_timer_.cancel();
  if (info.reason == net::CloseReason::kShutdown) {  // ours, and no news of the node
    fail_all(NodeFailure::kReset, false);
    state_ = State::kIdle;
    return;
  }
  if (!was_connected && !retired_) {
    const bool timed_out = info.reason == net::CloseReason::kConnectTimeout;
    counters_.connects[static_cast<std::size_t>(connect_failure(info))].add();
    closing_for_ = timed_out ? NodeFailure::kTimeout : NodeFailure::kRefused;
    if (tls_failed) closing_for_ = NodeFailure::kTls;
    report(NodeResult::kRefused);
    if (tls_failed) log_loss(*closing_for_, connection.tls_failure());
  } else if (in_flight_.empty() && !closing_for_ && (answered_ || retired_)) {
    // The node ended a quiet connection. If that is because it is gone, the next attempt tells.
    state_ = State::kIdle;
    if (retired_) return tell_gone();
    if (info.reason == net::CloseReason::kPeerClosed || info.reason == net::CloseReason::kError) {
      open();
    }
    return;
  } else {
    if (!closing_for_ && tls_failed) closing_for_ = NodeFailure::kTls;
    const NodeFailure failure = closing_for_.value_or(NodeFailure::kReset);
    closing_for_ = failure;
    if (logging_in_) counters_.connects[static_cast<std::size_t>(connect_failure(info))].add();
    if (failure != NodeFailure::kTimeout) report(to_result(failure));  // timeouts were reported
    log_loss(failure, tls_failed ? connection.tls_failure() : "");
  }
  fail_all(*closing_for_);
  last_failure_ = *closing_for_ == NodeFailure::kReset ? NodeFailure::kRefused : *closing_for_;
  closing_for_.reset();
  failed_before_ = true;
  if (retired_) {
    state_ = State::kIdle;
    return tell_gone();
  }
  schedule_retry();
}

void Upstream::schedule_retry() {
  state_ = State::kBackOff;
  retry_timer_.after(back_off(back_off_step_));
  ++back_off_step_;
}

void Upstream::fail_all(NodeFailure failure, bool others_may_be_asked) {
  deadline_timer_.cancel();
  timed_out_ = 0;
  timeouts_in_row_ = 0;
  cut_value_short(failure);
  counters_.in_flight.sub(in_flight_.size());
  while (!in_flight_.empty()) {
    InFlight entry = in_flight_.front();
    in_flight_.pop_front();
    count_shadow_failure(entry, failure, counters_);
    if (!others_may_be_asked || entry.pending == nullptr) ReplicaReads::end(entry);
    if (entry.pending == nullptr) continue;
    deliver_failure(entry, failure, settings_.node, counters_);
    entry.pending->part_done(now());
  }
}

void Upstream::retire(void (*on_gone)(void* context), void* context) {
  retired_ = true;
  on_gone_ = on_gone;
  gone_context_ = context;
  retry_timer_.cancel();
  probe_timer_.cancel();
  idle_timer_.cancel();
  if (state_ == State::kBackOff) state_ = State::kIdle;
  if (connection_ != nullptr && uploader_ == nullptr && !passing_.open &&
      timed_out_ == in_flight_.size()) {
    connection_->close();
  }
}

void Upstream::tell_gone() {
  if (on_gone_ != nullptr) worker_.at_end_of_turn(on_gone_, gone_context_);
}

}  // namespace ringcache::proxy
