#include "store/sweep_control.h"

#include <utility>

namespace ringcache::store {

SweepOptions SweepControl::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

bool SweepControl::enable() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(options_.enabled, true);
}

void SweepControl::disable() {
  {
    const std::lock_guard lock(mutex_);
    options_.enabled = false;
    ordered_ = in_round_;
    again_ = false;
  }
  changed_.notify_all();
}

void SweepControl::set_pause(std::chrono::microseconds pause) {
  const std::lock_guard lock(mutex_);
  options_.pause = pause;
}

void SweepControl::set_items_max(std::uint64_t items) {
  const std::lock_guard lock(mutex_);
  options_.items_max = items;
}

void SweepControl::order() {
  {
    const std::lock_guard lock(mutex_);
    if (!options_.enabled) return;
    again_ = in_round_;
    ordered_ = true;
  }
  changed_.notify_all();
}

SweepControl::Wake SweepControl::wait(std::chrono::microseconds longest) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, longest, [this] { return stopping_ || ordered_; });
  if (stopping_) return Wake::kStop;
  if (!ordered_) return Wake::kTime;
  in_round_ = true;
  return Wake::kOrder;
}

bool SweepControl::pause() {
  std::unique_lock lock(mutex_);
  const auto ends = [this] { return stopping_ || !options_.enabled; };
  return !changed_.wait_for(lock, options_.pause, ends);
}

void SweepControl::end_round() {
  const std::lock_guard lock(mutex_);
  in_round_ = false;
  ordered_ = std::exchange(again_, false);
}

void SweepControl::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

}  // namespace ringcache::store
