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
      return NodeResult::kRefused;
    case NodeFailure::kProtocol:
      return NodeResult::kProtocolError;
    case NodeFailure::kReset:
    case NodeFailure::kOverload:
      break;
  }
  return NodeResult::kReset;
}

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

bool operator==(const UpstreamSettings& a, const UpstreamSettings& b) {
  return a.pool == b.pool && a.node == b.node && a.address == b.address &&
         a.connection_index == b.connection_index && a.timeouts.connect == b.timeouts.connect &&
         a.timeouts.request == b.timeouts.request && a.probe_interval == b.probe_interval &&
         a.probe_timeout == b.probe_timeout && a.fall == b.fall && a.pending_max == b.pending_max &&
         a.pending_bytes_max == b.pending_bytes_max && a.item_bytes_max == b.item_bytes_max;
}

Upstream::Upstream(net::Worker& worker, UpstreamSettings settings, NodeCounters& counters)
    : worker_(worker),
      settings_(std::move(settings)),
      counters_(counters),
      parser_(settings_.item_bytes_max),
      deadline_timer_(worker.timers(), [this] { check_deadlines(); }),
      retry_timer_(worker.timers(), [this] { open(); }),
      probe_timer_(worker.timers(), [this] { send_probe(); }) {}

Upstream::~Upstream() {
  if (connection_ != nullptr) connection_->abandon();
  fail_all(NodeFailure::kReset);
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
  if (verdict.after == routing::NodeState::kUp) {
    net::log_info("node up", {{"pool", settings_.pool}, {"node", settings_.node}});
  } else {
    net::log_warn(
        "node suspect",
        {{"pool", settings_.pool}, {"node", settings_.node}, {"reason", routing::name(result)}});
  }
}

void Upstream::connect_early() {
  if (state_ == State::kIdle) open();
}

void Upstream::open() {
  net::ConnectOptions options;
  options.timeout = settings_.timeouts.connect;
  options.connection.read_limit_bytes = settings_.item_bytes_max + kElementOverheadBytes;
  // A node that reads no more until its replies are read must still be read: what waits to be sent
  // is bounded by send(), not by holding back replies.
  options.connection.output_high_bytes = std::numeric_limits<std::size_t>::max() / 2;
  options.connection.output_low_bytes = options.connection.output_high_bytes;
  state_ = State::kConnecting;
  closing_for_.reset();
  bytes_needed_ = 0;
  connection_ = &net::connect(worker_, to_address(settings_.address), options, *this);
  connection_->count_bytes_into(&counters_.read_bytes, &counters_.written_bytes);
}

void Upstream::on_connected(net::Connection&) {
  counters_.connects[static_cast<std::size_t>(ConnectResult::kOk)].add();
  counters_.connections.add();
  state_ = State::kUp;
  if (!failed_before_) {
    back_off_step_ = 0;
    report(NodeResult::kSuccess);
    return;
  }
  state_ = State::kProbing;
  send_probe();
}

// A probe has its place in the queue like any request, so its timeout and its reply are found as
// those of any other.
void Upstream::send_probe() {
  if (connection_ == nullptr || !connection_->is_open()) return;
  InFlight probe;
  probe.probe = true;
  probe.command = protocol::Command::kVersion;
  enqueue(probe);
  connection_->out().append(kProbeLine);
  connection_->schedule_flush();
}

std::optional<NodeFailure> Upstream::send(const InFlight& entry, std::string_view line,
                                          std::string_view data_block) {
  if (state_ == State::kIdle) open();
  if (state_ == State::kBackOff || state_ == State::kProbing || closing_for_) {
    return closing_for_.value_or(NodeFailure::kRefused);
  }
  if (in_flight_.size() >= settings_.pending_max ||
      connection_->out().bytes() > settings_.pending_bytes_max) {
    return NodeFailure::kOverload;
  }
  enqueue(entry);
  counters_.requests.add();
  net::WriteBuffer& out = connection_->out();
  out.append(line);
  if (!data_block.empty()) out.append(data_block);
  if (state_ == State::kUp) connection_->schedule_flush();
  return std::nullopt;
}

void Upstream::enqueue(const InFlight& entry) {
  in_flight_.push_back(entry);
  in_flight_[in_flight_.size() - 1].sent = now();
  counters_.in_flight.add();
  if (!deadline_timer_.armed()) arm_deadline();
}

void Upstream::on_bytes(net::Connection& connection) {
  Response response;
  while (!closing_for_ && connection.in().size() > 0) {
    if (connection.in().size() < bytes_needed_) return;
    bytes_needed_ = 0;
    if (in_flight_.empty()) return give_up(NodeFailure::kProtocol);  // a reply nobody asked for
    const ReplyKind kind = protocol::reply_kind(in_flight_.front().command);
    std::size_t consumed = 0;
    const ParseResult result = parser_.parse(connection.in().bytes(), kind, response, consumed);
    if (result == ParseResult::kInvalid) return give_up(NodeFailure::kProtocol);
    if (result == ParseResult::kNeedMore) {
      if (!connection.in().ensure(response.bytes_needed)) return give_up(NodeFailure::kProtocol);
      bytes_needed_ = response.bytes_needed;
      return;
    }
    take_element(response);
    connection.in().consume(consumed);
  }
}

void Upstream::take_element(const Response& response) {
  InFlight& entry = in_flight_.front();
  timeouts_in_row_ = 0;
  if (!entry.probe) deliver(entry, response, settings_.node, counters_);
  if (response.last) finish_front();
}

void Upstream::finish_front() {
  const InFlight entry = in_flight_.front();
  in_flight_.pop_front();
  if (timed_out_ > 0) --timed_out_;
  counters_.in_flight.sub();
  if (entry.probe && state_ == State::kProbing) {
    state_ = State::kUp;
    failed_before_ = false;
    back_off_step_ = 0;
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
  if (retired_ && in_flight_.empty() && connection_ != nullptr) connection_->close();
}

void Upstream::arm_deadline() {
  if (timed_out_ >= in_flight_.size()) return;
  InFlight& next = in_flight_[timed_out_];
  const auto limit = next.probe ? settings_.probe_timeout : settings_.timeouts.request;
  const net::SteadyNs due = next.sent + std::chrono::nanoseconds(limit).count();
  deadline_timer_.after(std::chrono::nanoseconds(std::max<net::SteadyNs>(due - now(), 1)));
}

void Upstream::check_deadlines() {
  bool probe_timed_out = false;
  while (timed_out_ < in_flight_.size()) {
    InFlight& entry = in_flight_[timed_out_];
    const auto limit = entry.probe ? settings_.probe_timeout : settings_.timeouts.request;
    if (now() - entry.sent < std::chrono::nanoseconds(limit).count()) break;
    ++timed_out_;
    ++timeouts_in_row_;
    probe_timed_out = probe_timed_out || entry.probe;
    report(NodeResult::kTimeout);
    if (entry.pending == nullptr) continue;
    deliver_failure(entry, NodeFailure::kTimeout, settings_.node, counters_);
    PendingRequest* const pending = entry.pending;
    entry.pending = nullptr;
    pending->part_done(now());
  }
  if (timeouts_in_row_ >= settings_.fall || probe_timed_out) {
    return give_up(NodeFailure::kTimeout);
  }
  arm_deadline();
}

// Closes the connection; on_closed() does the rest, later in this turn.
void Upstream::give_up(NodeFailure failure) {
  if (closing_for_ || connection_ == nullptr) return;
  closing_for_ = failure;
  connection_->close();
}

void Upstream::on_closed(net::Connection&, const net::CloseInfo& info) {
  const bool was_connected = state_ == State::kUp || state_ == State::kProbing;
  connection_ = nullptr;
  if (was_connected) counters_.connections.sub();
  probe_timer_.cancel();
  if (!was_connected && !retired_) {
    const bool timed_out = info.reason == net::CloseReason::kConnectTimeout;
    const auto result = timed_out ? ConnectResult::kTimeout : ConnectResult::kRefused;
    counters_.connects[static_cast<std::size_t>(result)].add();
    closing_for_ = timed_out ? NodeFailure::kTimeout : NodeFailure::kRefused;
    report(NodeResult::kRefused);
  } else if (in_flight_.empty() && !closing_for_) {
    state_ = State::kIdle;  // the node ended a quiet connection; the next request opens another
    return;
  } else {
    const NodeFailure failure = closing_for_.value_or(NodeFailure::kReset);
    closing_for_ = failure;
    if (failure != NodeFailure::kTimeout) report(to_result(failure));  // timeouts were reported
    log_loss(failure);
  }
  fail_all(*closing_for_);
  closing_for_.reset();
  failed_before_ = true;
  if (info.reason == net::CloseReason::kShutdown || retired_) {
    state_ = State::kIdle;
    return;
  }
  schedule_retry();
}

void Upstream::log_loss(NodeFailure failure) {
  const auto suppressed = loss_limiter_.admit(now());
  if (!suppressed) return;
  const std::string_view reason = kNodeFailureNames[static_cast<std::size_t>(failure)];
  net::log_warn("node connection lost", {{"pool", settings_.pool},
                                         {"node", settings_.node},
                                         {"reason", reason},
                                         {"requests", in_flight_.size()},
                                         {"suppressed", *suppressed}});
}

void Upstream::schedule_retry() {
  state_ = State::kBackOff;
  retry_timer_.after(back_off(back_off_step_));
  ++back_off_step_;
}

void Upstream::fail_all(NodeFailure failure) {
  deadline_timer_.cancel();
  timed_out_ = 0;
  timeouts_in_row_ = 0;
  counters_.in_flight.sub(in_flight_.size());
  while (!in_flight_.empty()) {
    InFlight entry = in_flight_.front();
    in_flight_.pop_front();
    if (entry.pending == nullptr) continue;
    deliver_failure(entry, failure, settings_.node, counters_);
    entry.pending->part_done(now());
  }
}

void Upstream::retire() {
  retired_ = true;
  retry_timer_.cancel();
  probe_timer_.cancel();
  if (state_ == State::kBackOff) state_ = State::kIdle;
  if (connection_ != nullptr && in_flight_.empty()) connection_->close();
}

}  // namespace ringcache::proxy
