#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include "net/peer_address.h"
#include "net/read_buffer.h"
#include "net/write_buffer.h"

/// A stream connection (TCP or UNIX), accepted by a Listener or made by connect() in connector.h.
///
/// Thread rule: it belongs to one worker. Its methods are called on that worker's thread only, and
/// so are the handler's. Another thread that wants something from it posts to the worker.
///
/// Life: it exists until on_closed has returned (or abandon() was called); then every reference is
/// dead. close() and everything else may be called inside any handler call; on_closed never runs
/// inside a call that a handler made, so nobody's `this` disappears under their feet.
///
/// A turn of the worker's loop:
///
///     wait -> for each readable connection: recv once -> on_bytes -> flush this connection
///          -> timers, posted work
///          -> flush every connection that asked with schedule_flush(), once each
///
/// Back-pressure: while more than `output_high_bytes` wait in out(), the connection is not read;
/// when they fall to `output_low_bytes` it is read again, on_drained tells the handler, and bytes
/// that were left unconsumed are offered again. A handler that can produce much from little (a
/// pipeline of gets of large values) checks output_full() between requests and returns when it is
/// true, leaving the rest in in().
namespace ringcache::net {

class Connection;
class Worker;
class Counter;
class ConnectionGroup;

enum class CloseReason : std::uint8_t {
  kLocal,           ///< close() or close_after_flush()
  kPeerClosed,      ///< the peer ended its side and everything was answered
  kError,           ///< reset, broken pipe, ...: `error` has the cause
  kIdle,            ///< nothing received, and no output taken, for idle_timeout
  kInputLimit,      ///< a command longer than read_limit_bytes that nobody consumed
  kNoMemory,        ///< no memory for a buffer
  kConnectFailed,   ///< outgoing: refused, unreachable, not resolved: `error` has the cause
  kConnectTimeout,  ///< outgoing: not connected in time, with TLS: hands not shaken in time
  kTlsFailed,       ///< outgoing: connected, and the handshake failed: tls_failure() has the cause
  kShutdown,        ///< the worker is stopping
};

const char* to_string(CloseReason reason);

struct CloseInfo {
  CloseReason reason = CloseReason::kLocal;
  std::error_code error;  ///< set for kError, kConnectFailed and kTlsFailed
};

/// What is done with the bytes of one connection. All calls on the connection's worker.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;

  /// Bytes are waiting in in(): consume every complete request and append the answers to out() (or
  /// keep them for later and call schedule_flush() then). Called once for each batch that arrived,
  /// never re-entrantly. What is left in in() is offered again when more arrived, and after
  /// resume_reading() or when the output has drained.
  virtual void on_bytes(Connection& connection) = 0;

  /// The connection is gone; the last call, exactly once. out() was dropped.
  virtual void on_closed(Connection& connection, const CloseInfo& info) = 0;

  /// Outgoing only: connected; out() may hold bytes already, they leave now.
  virtual void on_connected(Connection&) {}

  /// The output fell from above the high-water mark to the low one.
  virtual void on_drained(Connection&) {}

  /// The peer will send no more (it may still read). What is left in in() is an incomplete request.
  /// Default: close_after_flush(). A proxy waits for the answers that are still out first.
  virtual void on_end_of_input(Connection& connection);

  /// The process wants to end (Listener::drain): answer what was asked, then close. Default:
  /// close_after_flush().
  virtual void on_drain(Connection& connection);
};

struct ConnectionOptions {
  /// The longest single command (line and value) that may be buffered. Larger: kInputLimit.
  std::size_t read_limit_bytes = 2 * 1024 * 1024;
  /// Reading pauses above `high` unsent bytes and resumes at `low`.
  std::size_t output_high_bytes = 1024 * 1024;
  std::size_t output_low_bytes = 256 * 1024;
  /// Close after this long without a byte from the peer, and without one taken by it if output
  /// waits: a slow reader is not idle. One that stops reading is cut after twice the time at most.
  /// 0 = never.
  std::chrono::milliseconds idle_timeout{0};

  bool operator==(const ConnectionOptions&) const = default;
};

/// What many connections have in common; kept once for all of them (connection_profile.h).
struct ConnectionProfile {
  ConnectionOptions options;
  Counter* read_counter = nullptr;
  Counter* written_counter = nullptr;
  ConnectionGroup* group = nullptr;  ///< nullptr: outgoing

  bool operator==(const ConnectionProfile&) const = default;
};

class Connection {
 public:
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ReadBuffer& in() { return in_; }
  WriteBuffer& out() { return out_; }
  Worker& worker() const { return worker_; }
  ConnectionHandler& handler() const { return *handler_; }

  /// Connected and not closed. False after close(): in() and out() may still be touched, to no end.
  bool is_open() const { return state_ == State::kOpen; }
  bool is_connecting() const { return state_ == State::kConnecting; }

  /// Sends out() at the end of this loop turn, together with what others append until then. Not
  /// needed inside the connection's own on_bytes. Cheap to call for each reply.
  void schedule_flush();
  /// True when the output is above the high-water mark.
  bool output_full() const { return out_.bytes() > options().output_high_bytes; }

  /// Stops reading until resume_reading(). Not counted: one resume undoes any number of pauses.
  void pause_reading();
  /// Reads again; if bytes are waiting in in(), on_bytes runs later in this turn (never inside this
  /// call).
  void resume_reading();
  bool reading_paused() const { return paused_; }
  /// For a handler that leaves off so that other connections have their turn: on_bytes runs again
  /// when they had it, whether in() has bytes or not, and nothing more is read before. While the
  /// output is full it waits for that too.
  void yield();

  /// Sends what is in out(), then closes; nothing is read or handled any more. Bytes may still be
  /// appended until the last one is sent. A peer that takes nothing for kCloseFlushTimeout is cut
  /// off, in twice that time at most.
  void close_after_flush();
  static constexpr std::chrono::seconds kCloseFlushTimeout{10};
  /// Closes now and drops out(). on_closed(kLocal) follows, later in this turn.
  void close();
  /// For a handler that dies before its connection: closes now, and the handler is never called
  /// again, not even on_closed. The reference is dead after this. Not for accepted connections,
  /// which own their handlers.
  void abandon();

  /// `127.0.0.1:51234`, `[::1]:51234` or `unix`.
  std::string peer() const { return peer_.text(); }
  /// Also after it has closed. Any thread that keeps it from being destroyed.
  const PeerAddress& peer_address() const { return peer_; }
  /// What TLS says of its end, in OpenSSL's words; empty: it went well, or there is none. The
  /// server of an outgoing connection may refuse our certificate after on_connected (TLS 1.3).
  std::string tls_failure() const;
  std::uint64_t read_bytes() const { return read_bytes_; }
  std::uint64_t written_bytes() const { return written_bytes_; }
  /// Counters of this worker to which received and sent bytes are added too; either may be null.
  void count_bytes_into(Counter* read, Counter* written);

  void set_idle_timeout(std::chrono::milliseconds timeout);  ///< 0 = never
  /// The same until the next set_idle_timeout() or count_bytes_into().
  const ConnectionOptions& options() const { return profile_->options; }
  /// The socket, for options that this class does not know. Owned by the connection, and open until
  /// on_closed has returned and an accepted connection's handler is destroyed.
  int native_handle() const { return fd_; }

 protected:
  enum class State : std::uint8_t { kConnecting, kOpen, kFlushing, kClosed };

  Connection(Worker& worker, const ConnectionProfile& profile);
  ~Connection();
  void change_profile(const ConnectionProfile& wanted);

  Worker& worker_;
  ConnectionHandler* handler_ = nullptr;
  ReadBuffer in_;
  WriteBuffer out_;
  const ConnectionProfile* profile_;  ///< of the worker's ConnectionProfiles
  int fd_ = -1;
  State state_ = State::kConnecting;
  bool paused_ = false;
  bool yielded_ = false;  ///< on_bytes is to run again
  std::uint64_t read_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
  PeerAddress peer_;
};

}  // namespace ringcache::net
