// Upstream: one pipelined connection of one worker to one node.
//
// Requests are appended to the connection's output, all of a loop turn leave in one write, and
// their replies come back in the same order: `in_flight_` remembers what each reply belongs to.
//
//        send()                     connected                      all replies in, peer closes
//  idle --------> connecting ------------------------> up ----------------------------------> idle
//                     |                                 | reset, garbage, `fall` timeouts in a row
//                     | refused, timed out              v
//                     +--------------------------> back-off --retry--> connecting -> probing -> up
//                                                       ^                 (version answered)  |
//                                                       +-------------------------------------+
//
// Once it has failed, in back-off, while connecting again and while probing, a request fails at
// once: no client waits on finding out whether a node is back. Retries are delayed exponentially
// with jitter, kBackOffFirst to kBackOffMax.
//
// One timeout costs one request: its client is answered, and the entry stays in the queue without
// an owner so that the late reply is recognised and dropped. After `fall` timeouts with no reply
// between them the connection is given up. While bytes of replies arrive the node is not hung: the
// time of what waits begins anew with them, up to kArrivingTimeFactor times the timeout in all.
//
// With TLS a connection is up when the hands are shaken. Where the node asks for a password, the
// command with it goes first, and what was sent behind it fails if the node says no.
//
// A connection without a request for TimeoutOptions::idle is closed, and that says nothing about
// the node.
//
// A reply is believed only if it can be one to its request (in_flight.h); else the connection is
// given up.
//
// A large value is passed on while it arrives, if its request is its client's oldest, in parts of
// kPassOnBytes; else it is held until it is whole or its turn comes. On a connection for large
// values the client sets the pace: above window_bytes of output that it has not taken the
// connection is not read, until it has, or until others have waited for half their time; then the
// rest of the value goes to the client's output as on other connections. A value cut short cuts
// off the client that has its beginning.
//
// Owned by its UpstreamSet; its worker's thread only. What becomes of each dealing with the node is
// reported to the pool's HealthTracker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "net/deadline.h"
#include "net/log.h"
#include "protocol/command.h"
#include "protocol/response_parser.h"
#include "proxy/drain_signal.h"
#include "proxy/fifo.h"
#include "proxy/in_flight.h"
#include "proxy/large_keys.h"
#include "proxy/pending_request.h"
#include "proxy/routing_table.h"
#include "proxy/secrets.h"

namespace ringcache::net {
class Worker;
}

namespace ringcache::proxy {

// From what an Upstream is made.
struct UpstreamSettings {
  std::string pool;
  std::string node;
  std::string address;
  std::uint32_t connection_index = 0;
  routing::TimeoutOptions timeouts;
  std::chrono::milliseconds probe_interval{0};
  std::chrono::milliseconds probe_timeout{0};
  std::uint32_t fall = 3;
  std::uint32_t pending_max = 0;              // Limits::pending_per_node
  std::size_t pending_bytes_max = 0;          // Limits::pending_bytes_per_node
  std::uint64_t item_bytes_max = 0;           // a larger value in a reply is a miss
  bool upload = false;                        // for large data blocks alone
  std::chrono::milliseconds upload_stall{0};  // Limits
  bool large = false;                         // for large values alone
  std::uint64_t cut_through_bytes = 0;        // Limits
  std::uint64_t window_bytes = 0;             // Limits::cut_through_window_bytes
  LargeKeys* large_keys = nullptr;
  PoolSecrets secrets;  // how the next connection proves itself
};

// What follows a storage command's line.
struct DataBlock {
  std::string_view bytes;
  std::string_view end;             // goes behind them: the CRLF, if they have none
  net::ReadBuffer* from = nullptr;  // what they may be moved out of, if they are at its front
};

// Whether a reload keeps the connection and goes on with new timeouts and limits, and with new
// certificates and passwords from the next connection on.
bool same_node(const UpstreamSettings& left, const UpstreamSettings& right);

class Upstream final : public net::ConnectionHandler {
 public:
  static constexpr std::chrono::milliseconds kBackOffFirst{100};
  static constexpr std::chrono::milliseconds kBackOffMax{5000};
  static constexpr std::size_t kPassOnBytes = 512 * 1024;
  static constexpr net::SteadyNs kNever = std::numeric_limits<net::SteadyNs>::max();
  static constexpr int kArrivingTimeFactor = 4;

  Upstream(net::Worker& worker, UpstreamSettings settings, NodeCounters& counters);
  ~Upstream() override;

  const UpstreamSettings& settings() const { return settings_; }
  NodeCounters& counters() { return counters_; }

  // Which table's tracker hears of this node; set before first use and after each reload.
  void set_table(RoutingTablePtr table, routing::Target target);

  // Opens the connection if it is idle, before a request needs it.
  void connect_early();

  // Sends a request: its command line (with CRLF) and, for a storage command, its data block.
  // Nothing: it is on its way, and `entry.pending` hears of it later, never inside this call. Else
  // why it was refused; nothing was kept.
  std::optional<NodeFailure> send(const InFlight& entry, std::string_view line,
                                  const DataBlock& data = {});

  // A storage command whose data block, with CRLF, follows in parts. REQUIRES is_free(). Nothing:
  // its line is on its way, and upload() is called for each part, then finish_upload(), with the
  // CRLF if the parts have none; or
  // abort_upload(), which ends the connection, so that the node drops what it has, and answers
  // the request with these lines. `client` hears upload_over() when the connection ends before, and
  // upload_goes_on() when upload_must_wait() does no more. A node may answer before all parts are
  // there; the rest is sent all the same.
  std::optional<NodeFailure> begin_upload(const InFlight& entry, std::string_view line,
                                          ClientSession& client);
  void upload(std::string_view bytes, net::ReadBuffer& from);
  bool upload_must_wait();
  void finish_upload(std::string_view end);
  void abort_upload(std::string_view answer);
  // Whether an upload could begin.
  bool is_free() const { return in_flight_.empty() && uploader_ == nullptr; }
  // Called when it is free again.
  void when_free(void (*on_free)(void* context, routing::Target target), void* context) {
    on_free_ = on_free;
    free_context_ = context;
  }

  // New timeouts and limits for the same node; the connection and what is in flight stay.
  // REQUIRES: same_node(settings, this->settings()).
  void update(UpstreamSettings settings);

  // No more requests will come: closes when the last reply is in, or its time is over, and then
  // calls on_gone(context), at the end of that loop turn.
  void retire(void (*on_gone)(void* context), void* context);
  // Requests that it has, and whether it would take another.
  std::size_t load() const { return in_flight_.size(); }
  bool is_usable() const {
    return !closing_for_ && (!failed_before_ || state_ == State::kUp || state_ == State::kIdle);
  }
  bool gone() const { return retired_ && connection_ == nullptr; }

  void on_bytes(net::Connection& connection) override;
  void on_connected(net::Connection& connection) override;
  void on_closed(net::Connection& connection, const net::CloseInfo& info) override;

  // Position of this upstream's keys while a multiget is being split (multiget.h).
  std::size_t split_slot = kNoSlot;
  static constexpr std::size_t kNoSlot = static_cast<std::size_t>(-1);

 private:
  enum class State : std::uint8_t { kIdle, kConnecting, kProbing, kUp, kBackOff };

  void open();
  void begin_login();
  void finish_login();
  bool is_tls_failure(const net::Connection& connection, const net::CloseInfo& info) const;
  ConnectResult connect_failure(const net::CloseInfo& info) const;
  void enqueue(const InFlight& entry);
  void send_probe();
  void take_element(const protocol::Response& response);
  void log_verdict(routing::NodeResult result, routing::NodeState state);
  net::SteadyNs due(const InFlight& entry) const;
  // upstream_upload.cpp
  void go_on_uploading();
  void end_upload();
  net::SteadyNs upload_due() const;
  void check_upload();
  void drop_connection();
  void tell_free();

  // upstream_cut_through.cpp
  void note_size(const protocol::Response& response);
  bool may_pass_on();
  bool take_part(const protocol::Response& response);
  void begin_passing_on(protocol::Response response);
  bool pass_on();
  void hold_for_client();
  void go_on_reading();
  net::SteadyNs passing_due() const;
  void check_passing();
  net::SteadyNs next_due();
  void cut_value_short(NodeFailure failure);
  bool skip_oversized();

  std::chrono::milliseconds time_limit(const InFlight& entry) const;
  void finish_front();
  void give_up(NodeFailure failure);
  void fail_all(NodeFailure failure, bool others_may_be_asked = true);
  void log_loss(NodeFailure failure, const std::string& cause);
  void schedule_retry();
  void tell_gone();
  void check_deadlines();
  void close_if_idle();
  void arm_deadline();
  void report(routing::NodeResult result);
  net::SteadyNs now() const;

  net::Worker& worker_;
  UpstreamSettings settings_;
  NodeCounters& counters_;
  RoutingTablePtr table_;
  routing::Target target_{};
  protocol::ResponseParser parser_;
  net::Connection* connection_ = nullptr;
  State state_ = State::kIdle;
  bool retired_ = false;
  bool logging_in_ = false;     // the node has not answered our password
  bool answered_ = false;       // the present connection has brought a whole reply
  bool failed_before_ = false;  // the next connection must answer a probe before it is used
  NodeFailure last_failure_ = NodeFailure::kRefused;  // why, for requests meanwhile
  net::SteadyNs received_ = 0;                        // when bytes last came
  net::SteadyNs used_ = 0;                            // when a request was last sent
  std::uint32_t back_off_step_ = 0;
  std::uint32_t timeouts_in_row_ = 0;
  std::size_t bytes_needed_ = 0;  // do not parse before so many bytes are there
  std::uint64_t skip_left_ = 0;   // bytes of a value above item_bytes_max still to drop
  // The value of the oldest request that is being passed on.
  struct Passing {
    std::uint64_t left = 0;  // bytes to come; 0: none is
    bool open = false;       // the reply that it is in has not ended
    bool last = false;       // it ends its reply
    bool spills = false;     // its client is waited for no more
    net::SteadyNs held_since = 0;
  };
  Passing passing_;
  bool waits_to_pass_on_ = false;  // a large value arrives whose request may become the oldest
  DrainSignal drained_{[](void* self) { static_cast<Upstream*>(self)->go_on_reading(); }, this};
  ClientSession* uploader_ = nullptr;  // whose data block is being passed on
  net::SteadyNs upload_moved_ = 0;     // when a part of it last came, or left
  DrainSignal sent_{[](void* self) { static_cast<Upstream*>(self)->go_on_uploading(); }, this};
  void (*on_free_)(void*, routing::Target) = nullptr;
  void* free_context_ = nullptr;
  std::size_t timed_out_ = 0;  // entries at the front whose time is over
  Fifo<InFlight> in_flight_;
  std::optional<NodeFailure> closing_for_;
  void (*on_gone_)(void*) = nullptr;
  void* gone_context_ = nullptr;
  net::LogLimiter loss_limiter_;  // a flapping node does not flood the log
  net::LogLimiter up_limiter_;
  net::LogLimiter suspect_limiter_;
  net::Timer deadline_timer_;
  net::Timer retry_timer_;
  net::Timer probe_timer_;
  net::Timer idle_timer_;
};

}  // namespace ringcache::proxy
