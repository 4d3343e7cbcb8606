#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "net/clock.h"

/// Coarse deadlines: idle timeouts, request timeouts, reconnect back-off, periodic work.
///
/// Each worker has one TimerQueue and waits for its earliest deadline only, so an idle process does
/// not tick. Arming, moving and cancelling cost O(log n) and never allocate once the queue has held
/// that many timers. Deadlines are met at the first loop turn after they are due: never early, late
/// by as much as the turn is long. For a deadline that moves with every request, do not move the
/// timer: let it fire, compare with the time of the last request, and arm it for the rest.
///
/// Thread rule: a queue and its timers belong to one worker and are touched by its thread only.
namespace ringcache::net {

class TimerQueue;

/// One deadline of one owner, usually a member of it. Destroying it cancels it.
class Timer {
 public:
  using Callback = std::function<void()>;

  /// `on_due` runs on the worker. It may arm, cancel or destroy any timer, this one included.
  Timer(TimerQueue& queue, Callback on_due);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Runs the callback once, `delay` after the queue's present time. An armed timer is moved.
  void after(std::chrono::nanoseconds delay);
  /// Runs the callback each `period` (> 0) until cancelled; a period that was missed is skipped.
  void every(std::chrono::nanoseconds period);
  void cancel();
  bool armed() const { return position_ != kUnarmed; }
  SteadyNs due() const { return due_; }

 private:
  friend class TimerQueue;
  static constexpr std::size_t kUnarmed = static_cast<std::size_t>(-1);

  TimerQueue& queue_;
  Callback on_due_;
  SteadyNs due_ = 0;
  SteadyNs period_ = 0;              ///< 0 = once
  std::uint64_t sequence_ = 0;       ///< order of arming, decides between equal deadlines
  std::size_t position_ = kUnarmed;  ///< index in the queue's heap
  bool* destroyed_ = nullptr;        ///< set while the callback runs
};

/// The armed timers of one worker, a binary heap. A function of the time it is given.
class TimerQueue {
 public:
  explicit TimerQueue(SteadyNs now) : now_(now) {}
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  /// REQUIRES no armed timer.
  ~TimerQueue();

  /// The time that after() and every() count from.
  SteadyNs now() const { return now_; }
  /// Time never runs backwards: an earlier `now` is ignored.
  void set_now(SteadyNs now);
  /// When the earliest armed timer is due; nothing if there is none.
  std::optional<SteadyNs> next_due() const;
  /// Runs what is due at now(), earliest first, and returns how many ran. A timer armed by a
  /// callback of this call waits for the next call, so a zero delay cannot hold the loop.
  std::size_t run_due();
  std::size_t size() const { return heap_.size(); }

 private:
  friend class Timer;
  void arm(Timer& timer, SteadyNs due);
  void disarm(Timer& timer);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);
  void place(Timer* timer, std::size_t position);
  static bool before(const Timer& left, const Timer& right);

  SteadyNs now_;
  std::uint64_t sequence_ = 0;
  std::vector<Timer*> heap_;
};

}  // namespace ringcache::net
