#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/worker.h"

/// The workers of a program: N threads that share nothing. A connection lives on one of them from
/// accept to close.
namespace ringcache::net {

struct IoThreadsOptions {
  /// 0 = one per core.
  std::size_t count = 0;
  /// Threads are called `<name>-<index>`.
  std::string name = "worker";
  /// Must outlive the IoThreads. nullptr = Clock::steady().
  const Clock* clock = nullptr;
  /// How long a worker with nothing to do looks for events before it sleeps (event_loop.h). 0: not
  /// at all.
  std::chrono::nanoseconds busy_poll{0};
};

class IoThreads {
 public:
  explicit IoThreads(const IoThreadsOptions& options = {});
  /// Stops and joins.
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  /// Starts every thread. An error text or nothing; after an error none runs.
  [[nodiscard]] std::optional<std::string> start();
  /// Closes every connection (on_closed(kShutdown) on its worker) and ends the threads. Idempotent.
  void stop();
  void join();

  std::size_t size() const { return workers_.size(); }
  Worker& operator[](std::size_t index) { return *workers_[index]; }
  const Worker& operator[](std::size_t index) const { return *workers_[index]; }
  /// Index of the worker whose thread this is; nothing on other threads.
  static std::optional<std::size_t> current_index();

  /// Runs `work` on one worker. Any thread. False: stopped.
  bool post(std::size_t worker, std::function<void()> work);
  /// Runs a copy of `work` on every worker, each on its own thread. Does not wait.
  void post_all(const std::function<void(Worker&)>& work);
  /// The same and waits until all have run it (for swapping tables, for tests). REQUIRES started,
  /// and a thread that is not one of the workers.
  void run_on_all(const std::function<void(Worker&)>& work);

  /// Makes every worker look at the clock: for tests with a ManualClock.
  void wake();

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace ringcache::net
