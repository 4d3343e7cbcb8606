#include "net/deadline.h"

#include <cassert>
#include <utility>

namespace ringcache::net {

Timer::Timer(TimerQueue& queue, Callback on_due) : queue_(queue), on_due_(std::move(on_due)) {}

Timer::~Timer() {
  cancel();
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void Timer::after(std::chrono::nanoseconds delay) {
  period_ = 0;
  queue_.arm(*this, queue_.now() + delay.count());
}

void Timer::every(std::chrono::nanoseconds period) {
  assert(period.count() > 0);
  period_ = period.count();
  queue_.arm(*this, queue_.now() + period_);
}

void Timer::cancel() {
  period_ = 0;
  if (armed()) queue_.disarm(*this);
}

TimerQueue::~TimerQueue() {
  assert(heap_.empty());
}

void TimerQueue::set_now(SteadyNs now) {
  if (now > now_) now_ = now;
}

std::optional<SteadyNs> TimerQueue::next_due() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front()->due_;
}

std::size_t TimerQueue::run_due() {
  // Whatever is armed from here on has a later sequence and is due now at the earliest, so it sorts
  // behind everything this call has to run.
  const std::uint64_t last_sequence = sequence_;
  std::size_t count = 0;
  while (!heap_.empty()) {
    Timer& timer = *heap_.front();
    if (timer.due_ > now_ || timer.sequence_ > last_sequence) break;
    disarm(timer);
    if (timer.period_ > 0) {
      const SteadyNs next = timer.due_ + timer.period_;
      arm(timer, next > now_ ? next : now_ + timer.period_);
    }
    // The callback may destroy its timer, so it runs from here and moves back only if it can.
    bool destroyed = false;
    timer.destroyed_ = &destroyed;
    Timer::Callback callback = std::move(timer.on_due_);
    callback();
    if (!destroyed) {
      timer.destroyed_ = nullptr;
      timer.on_due_ = std::move(callback);
    }
    ++count;
  }
  return count;
}

void TimerQueue::arm(Timer& timer, SteadyNs due) {
  if (timer.armed()) disarm(timer);
  timer.due_ = due;
  timer.sequence_ = ++sequence_;
  heap_.push_back(&timer);
  timer.position_ = heap_.size() - 1;
  sift_up(timer.position_);
}

void TimerQueue::disarm(Timer& timer) {
  const std::size_t hole = timer.position_;
  assert(heap_[hole] == &timer);
  timer.position_ = Timer::kUnarmed;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(last, hole);
  sift_up(hole);
  sift_down(last->position_);
}

bool TimerQueue::before(const Timer& left, const Timer& right) {
  return left.due_ != right.due_ ? left.due_ < right.due_ : left.sequence_ < right.sequence_;
}

void TimerQueue::place(Timer* timer, std::size_t position) {
  heap_[position] = timer;
  timer->position_ = position;
}

void TimerQueue::sift_up(std::size_t position) {
  Timer* timer = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!before(*timer, *heap_[parent])) break;
    place(heap_[parent], position);
    position = parent;
  }
  place(timer, position);
}

void TimerQueue::sift_down(std::size_t position) {
  Timer* timer = heap_[position];
  while (true) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
    if (!before(*heap_[child], *timer)) break;
    place(heap_[child], position);
    position = child;
  }
  place(timer, position);
}

}  // namespace ringcache::net
