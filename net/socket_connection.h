#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/address.h"
#include "net/connection.h"
#include "net/connection_profile.h"
#include "net/deadline.h"
#include "net/event_loop.h"
#include "net/resolver.h"
#include "net/tls_stream.h"

namespace ringcache::net {

class TlsClientContext;
struct ConnectOptions;

/// A Connection with its socket; the read and write path. For the files of net/ only.
///
///     kConnecting --connected (and hands shaken)--> kOpen --close_after_flush--> kFlushing
///     --sent--> kClosed
///          any state --close, error--> kClosed --end of turn--> on_closed, destroyed
///
/// The socket is watched for input (EPOLLIN) unless the connection may not read, and for output
/// (EPOLLOUT) only while the socket takes no more; interest is changed when an event shows that it
/// is wrong, not each time the wish changes, so a short pause costs no system call.
class SocketConnection final : public Connection, public EventSource {
 public:
  /// Accepted: owns `fd` (non-blocking), and tells `group` when it is gone. nullptr: it could not
  /// be watched, `fd` is closed and `group` told.
  static SocketConnection* accepted(Worker& worker, int fd, const Endpoint& peer,
                                    const ConnectionOptions& options, ConnectionGroup& group);
  /// The handler that goes with it until the end; then events begin. `tls`: whose hands were
  /// shaken; nullptr: plain.
  void serve(std::unique_ptr<ConnectionHandler> handler, std::unique_ptr<TlsStream> tls = nullptr);

  static SocketConnection* outgoing(Worker& worker, const ConnectionOptions& options,
                                    ConnectionHandler& handler);
  /// Tries the endpoints in order until one is connected or the time is over.
  void begin_connecting(const Address& address, const ConnectOptions& options);
  void try_endpoints(std::vector<Endpoint> endpoints);
  /// While it is connecting.
  std::weak_ptr<SocketConnection*> alive() const { return connecting_->alive; }

  ~SocketConnection();
  void on_ready(std::uint32_t events) override;

  void flush();
  void offer_unread();
  void report_closed(const CloseInfo& info);
  void close_with(const CloseInfo& info);
  void begin_close_after_flush();
  void resume();
  void abandon_handler();
  /// The server stops: what has been asked is read and answered, kDrainReads blocks of it at most,
  /// then the handler knows (on_drain).
  void drain();
  void arm_idle_timer();
  /// For TlsHalfRecords: a record has been half sent for too long.
  void on_half_record_due();
  std::string tls_failure() const { return tls_ ? tls_->failure() : std::string(); }
  const ConnectionGroup* group() const { return profile_->group; }

 private:
  friend class EventLoop;  // the marks below
  using Connection::Connection;

  bool may_read() const {
    return state_ == State::kOpen && !paused_ && !throttled_ && !end_of_input_ && !in_offers_;
  }
  /// Blocks of 16 KiB that are still read when the server stops.
  static constexpr std::uint8_t kDrainReads = 15;

  /// What it costs is measured from one to the other.
  struct CostMark {
    SteadyNs begin_ns;
    std::uint64_t moved_bytes;
  };
  CostMark cost_mark() const;
  void note_cost(const CostMark& mark);
  void take_events(std::uint32_t events);
  void take_turn();
  void watch_less();
  void continue_drain(bool may_be_more);
  void send_output();
  void read_once();
  void discard_input();
  void deliver();
  void deliver_end_of_input();
  void note_drained();
  void resume_watching();
  void finish_flushing();
  void on_deadline();
  bool peer_took_some();
  void set_deadline(std::chrono::nanoseconds delay);
  void want(std::uint32_t events);
  std::uint32_t interest_after_send() const;
  // socket_connection_tls.cpp: only called with TLS.
  bool before_tls_io(std::uint32_t events);
  void after_tls_read(bool got_bytes);
  void try_next_endpoint(std::error_code last_error);
  void finish_connecting();
  void finish_opening();
  // socket_connection_tls.cpp: the client's side of a handshake.
  void begin_handshake();
  void take_handshake_event();
  void step_handshake();
  bool connected_to_itself() const;

  std::unique_ptr<TlsStream> tls_;  ///< nullptr: plain
  /// Made when the first deadline is set: most connections have none.
  struct Deadline {
    explicit Deadline(SocketConnection& of)
        : timer(of.worker_.timers(), [&of] { of.on_deadline(); }) {}
    Timer timer;
    std::uint64_t peer_took_bytes = 0;  ///< when it looked last
  };
  std::unique_ptr<Deadline> deadline_;
  SteadyNs last_moved_ns_ = 0;  ///< bytes came from the peer, or the socket took some

  struct Connecting {
    std::vector<Endpoint> endpoints;
    std::size_t next = 0;
    bool keepalive = false;
    std::shared_ptr<SocketConnection*> alive;
    std::shared_ptr<TlsClientContext> tls;  ///< nullptr: plain
    Address address;                        ///< with TLS: as it was asked for, before any look-up
  };
  std::unique_ptr<Connecting> connecting_;

  std::uint8_t watched_ : 4 = 0;    ///< EPOLLIN, EPOLLOUT
  bool throttled_ : 1 = false;      ///< output above high and not yet at low
  bool end_of_input_ : 1 = false;   ///< the peer has ended its side
  bool end_delivered_ : 1 = false;  ///< and the handler knows
  bool lingering_ : 1 = false;      ///< all sent, reading on until the peer has read our last words
  bool owns_handler_ : 1 = false;
  bool heavy_ : 1 = false;        ///< its last bytes cost more than kHeavyNs
  bool is_to_read_ : 1 = false;   ///< when it has its turn as a heavy one
  bool is_to_drain_ : 1 = false;  ///< when what was asked is answered
  std::uint8_t drain_reads_left_ : 4 = 0;

  // Marks of the loop.
  bool in_flushes_ = false;
  bool in_offers_ = false;
  std::uint32_t loop_index_ = 0;
};

/// Most of what an idle connection costs, with its handler.
static_assert(sizeof(SocketConnection) == 168);

}  // namespace ringcache::net
