#pragma once

// One thread of the load generator: its share of the connections behind one epoll. The phases are
// called in order from the thread itself; between them all threads wait for each other.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/connection.h"
#include "tests/bench/load_thread.h"

namespace ringcache::bench {

/// The steady clock (CLOCK_MONOTONIC) in nanoseconds.
std::uint64_t steady_now_ns();

class LoadWorker {
 public:
  LoadWorker(const Workload& workload, unsigned index);
  ~LoadWorker();
  LoadWorker(const LoadWorker&) = delete;
  LoadWorker& operator=(const LoadWorker&) = delete;

  /// Opens this thread's connections and waits until the server has answered on each. False and
  /// the reason in `error` if one of them cannot be had.
  bool connect(std::string& error);

  /// Sets this thread's share of the keys, once each.
  void preload();

  /// Load from `begin_ns` until window.end_ns or `stop`, then waits for the answers still due.
  void run(std::uint64_t begin_ns, MeasuredWindow window, const std::atomic<bool>& stop);

  /// After run(): what was counted within the window, in the preload, and ever.
  Counters measured() const { return at_end_ - at_start_; }
  const Counters& preloaded() const { return after_preload_; }
  const LoadThread& thread() const { return thread_; }

 private:
  // After so long without an answer, or with requests left when the run is over, the server is
  // taken to hang.
  static constexpr std::uint64_t kStallNs = 10'000'000'000;
  static constexpr std::uint64_t kDrainNs = 5'000'000'000;

  void pin();
  void turn(std::uint64_t wake_ns);
  void handle(std::uint32_t slot, std::uint32_t events);
  void pump(std::uint32_t slot);
  void lose(std::uint32_t slot);
  void arm(std::uint32_t slot);
  void release_due();
  void take_snapshots();
  void drain();

  LoadThread thread_;
  int epoll_fd_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;  // null once lost
  std::vector<bool> armed_for_write_;
  std::vector<std::uint32_t> due_slots_;
  std::uint64_t next_due_ = 0;  // ordinal of the next scheduled request of this thread
  bool start_taken_ = false;
  bool end_taken_ = false;
  Counters at_start_;
  Counters at_end_;
  Counters after_preload_;
};

}  // namespace ringcache::bench
