#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

/// Time as an input. Workers read it once a loop turn and everybody else asks their worker, so a
/// test that owns the clock owns every timeout of the program.
namespace ringcache::net {

/// Nanoseconds of a steady clock; the zero point means nothing.
using SteadyNs = std::int64_t;

/// Any thread may call now().
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyNs now() const = 0;

  /// CLOCK_MONOTONIC. Lives for ever.
  static const Clock& steady();
  /// CPU time of the thread that asks: what it did costs the difference. Lives for ever.
  static const Clock& thread_cpu();
};

/// A clock that stands still until it is told. After advance(), call IoThreads::wake() so that
/// workers that are waiting look at it again.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(SteadyNs start = 1'000'000'000) : now_(start) {}
  SteadyNs now() const override { return now_.load(std::memory_order_acquire); }
  void advance(std::chrono::nanoseconds by) { now_.fetch_add(by.count()); }

 private:
  std::atomic<SteadyNs> now_;
};

}  // namespace ringcache::net
