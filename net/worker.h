#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "net/block_pool.h"
#include "net/clock.h"
#include "net/connection_profile.h"
#include "net/counter.h"
#include "net/deadline.h"
#include "net/tls_half_records.h"

/// One thread, its event loop, and everything that only this thread touches: connections, timers,
/// buffer memory, the clock of the present turn.
///
/// Thread rule: post(), index() and the counters of stats() from any thread; everything else on the
/// worker's own thread, or before start() and after join().
namespace ringcache::net {

class EventLoop;
class Resolver;

/// Counts of one worker; written by it, read by anybody.
struct WorkerStats {
  Counter turns;             ///< turns of the loop, one wait each
  Counter connections_open;  ///< accepted and outgoing
  Counter lag_ns;            ///< how late the worker's last once-a-second timer ran
};

class Worker {
 public:
  /// `name`: of the thread, as `top -H` shows it (at most 15 characters).
  Worker(std::size_t index, std::string name, const Clock& clock,
         std::shared_ptr<Resolver> resolver);
  ~Worker();  ///< stops and joins
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Starts the thread. An error text (out of file descriptors, out of threads) or nothing.
  [[nodiscard]] std::optional<std::string> start();
  /// Ends the loop: every connection gets on_closed(kShutdown) on the worker, then the thread ends.
  /// What was posted before still runs; what is posted later does not. Any thread; does not wait.
  void stop();
  void join();

  /// The worker whose thread this is; nullptr on any other thread.
  static Worker* current();
  std::size_t index() const { return index_; }
  const std::string& name() const { return name_; }

  /// Runs `work` on the worker, in the order of the posts of one thread. Any thread, the worker's
  /// own too (it then runs later in this turn or in the next). Takes a lock and may allocate: for
  /// control, not for requests. False: the worker has stopped, `work` was dropped.
  bool post(std::function<void()> work);

  /// The time at which the present turn began to work; read once a turn.
  SteadyNs now_ns() const { return timers_.now(); }
  std::uint64_t now_us() const { return static_cast<std::uint64_t>(timers_.now()) / 1'000; }
  std::uint64_t now_ms() const { return static_cast<std::uint64_t>(timers_.now()) / 1'000'000; }
  const Clock& clock() const { return clock_; }
  /// Reads the clock now (about 25 ns): for measuring inside one turn.
  SteadyNs precise_ns() { return last_read_ns_ = clock_.now(); }
  /// What precise_ns() or the beginning of the turn read last.
  SteadyNs last_read_ns() const { return std::max(last_read_ns_, timers_.now()); }

  TimerQueue& timers() { return timers_; }
  BlockPool& pool() { return pool_; }
  ConnectionProfiles& profiles() { return profiles_; }
  TlsHalfRecords& tls_half_records() { return tls_half_records_; }
  WorkerStats& stats() { return stats_; }
  const WorkerStats& stats() const { return stats_; }
  /// Runs `work` once, after all handlers of this turn and before the connections that were
  /// scheduled are flushed: the place to merge what several handlers gathered. Own thread only.
  void at_end_of_turn(void (*work)(void* context), void* context);

  /// For the files of net/ that add sources to the loop.
  EventLoop& loop() { return *loop_; }
  /// For threads that may still want to post when the worker is gone.
  std::shared_ptr<EventLoop> shared_loop() const { return loop_; }
  Resolver& resolver() { return *resolver_; }

 private:
  void run();

  std::size_t index_;
  std::string name_;
  const Clock& clock_;
  std::shared_ptr<Resolver> resolver_;
  BlockPool pool_;  // outlives the connections of the loop, as do their profiles
  ConnectionProfiles profiles_;
  TimerQueue timers_;
  SteadyNs last_read_ns_ = 0;
  TlsHalfRecords tls_half_records_;
  WorkerStats stats_;
  std::shared_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace ringcache::net
