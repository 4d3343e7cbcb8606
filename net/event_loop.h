#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/connection.h"
#include "net/deadline.h"
#include "net/worker.h"

/// The loop of a worker, for the files of net/ only: level-triggered epoll, the posted work, the
/// timers, the connections that want to be flushed.
///
/// Why not an asio::io_context here: its reactor is edge-triggered, so each request costs a fourth
/// system call on top of wait, recv and send. Either a recv that finds nothing (async_read_some
/// tries again after every read, and holds a buffer while it waits) or an epoll_ctl (async_wait).
/// It also has no end of a turn, where the answers of all connections leave together. On a
/// busy machine a whole echo costs about the same on this loop as on bare Asio (3.0 us of CPU each,
/// 30 bytes, one at a time over 50 connections); what it gives is fewer system calls and the end of
/// the turn. Asio does what is not per request: names and signals.
///
/// Who waits for whom. A turn serves the connections that are ready in the order in which they
/// became so, but for the heavy ones: those whose last bytes cost more than kHeavyNs of work, and
/// those that left off themselves (Connection::yield). They come after the others, one after the
/// other, for kHeavyTurnNs or one part in kHeavyTurnShare of what the others took, whichever is
/// longer, and at least one of them; the rest comes in the next turns, before those that are served
/// a second time. So a client with one small request waits for those who have small ones too, and
/// hardly for the heavy ones, however many there are; and they have a fifth of the time at least.
///
/// With set_busy_poll() a turn that finds nothing looks again and again for that long before it
/// sleeps: an event is then served without the two to fifty microseconds that waking up takes, and
/// a worker that is not idle for longer takes all of its core.
///
/// Only accepted connections are ever heavy. What one costs in a turn is what passes from the last
/// reading of the clock before it to its own end: its handler, and what the kernel and the cipher
/// do for it. Handlers read the clock when they have done much (Worker::precise_ns); for those that
/// never do the loop reads it.
namespace ringcache::net {

class SocketConnection;

/// Of work for one connection in one turn, from which on it is heavy.
inline constexpr SteadyNs kHeavyNs = 50'000;
/// Of a turn, for heavy connections, or so much of the time that the others took.
inline constexpr SteadyNs kHeavyTurnNs = 200'000;
inline constexpr SteadyNs kHeavyTurnShare = 4;
/// But never more.
inline constexpr SteadyNs kHeavyTurnMaxNs = 2'000'000;
/// Bytes from or to the peer in one turn after which the clock is read although the handler did:
/// some microseconds of copying.
inline constexpr std::uint64_t kCostlyBytes = 16 * 1024;

/// Something with a descriptor that the loop waits for.
class EventSource {
 public:
  /// `events`: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. A source may be removed inside any call, but
  /// must not be destroyed before the end of the turn: events of this turn may still be coming.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~EventSource() = default;
};

class EventLoop {
 public:
  EventLoop(Worker& worker, const Clock& clock);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Opens the descriptors; an error text or nothing.
  [[nodiscard]] std::optional<std::string> open();
  /// Before run().
  void set_busy_poll(std::chrono::nanoseconds time) { busy_poll_ns_ = time.count(); }
  /// Turns until stop(); then ends every connection and returns.
  void run();

  // ---- any thread ----
  bool post(std::function<void()> work);
  void stop();

  // ---- own thread ----
  /// False, with errno: the source cannot be waited for.
  [[nodiscard]] bool add(int fd, std::uint32_t events, EventSource& source);
  void modify(int fd, std::uint32_t events, EventSource& source);
  void remove(int fd);

  void adopt(SocketConnection& connection);        ///< owned from here on
  void flush_later(SocketConnection& connection);  ///< at the end of this turn, listed once
  void offer_later(SocketConnection& connection);  ///< its turn as a heavy one, listed once
  void finish_later(SocketConnection& connection, const CloseInfo& info);  ///< then destroyed
  void at_end_of_turn(void (*work)(void* context), void* context);
  /// Calls `visit` for each open connection; it may close them.
  void for_each_connection(const std::function<void(SocketConnection&)>& visit);

 private:
  struct EndOfTurn {
    void (*work)(void* context);
    void* context;
  };

  struct Closed {
    SocketConnection* connection;
    CloseInfo info;
  };

  void turn();
  int wait_ms() const;
  int wait(std::span<epoll_event> events);
  void run_posted();
  void offer_unread();
  void run_end_of_turn();
  void flush_all();
  void finish_closed();
  void wake();
  void close_all();

  Worker& worker_;
  const Clock& clock_;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  SteadyNs busy_poll_ns_ = 0;
  bool stopping_ = false;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  bool closed_for_posts_ = false;              // guarded by mutex_
  std::atomic<bool> has_posted_{false};

  std::vector<std::function<void()>> running_;  ///< scratch of run_posted()
  std::vector<SocketConnection*> connections_;
  std::vector<SocketConnection*> flushes_;
  std::vector<SocketConnection*> offers_;
  std::vector<Closed> closed_;
  std::vector<Closed> closed_running_;
  std::vector<SocketConnection*> scratch_;
  std::vector<EndOfTurn> end_of_turn_;
  std::vector<EndOfTurn> end_of_turn_running_;
};

}  // namespace ringcache::net
