#include "store/node_maintenance.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace ringcache::store {

namespace {

constexpr std::size_t kSweepBudgetMin = 1'000;
constexpr std::size_t kSweepBudgetMax = 10'000'000;

}  // namespace

void NodeMaintenance::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "maintenance");
}

void NodeMaintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void NodeMaintenance::run() {
  std::unique_lock lock(mutex_);
  while (!stop_asked_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; })) {
    lock.unlock();
    turn();
    lock.lock();
  }
}

void NodeMaintenance::turn() {
  const std::int64_t start_ns = clock_.now();
  const Seconds now = node_clock_.seconds(start_ns);
  const MaintainResult result = store_.maintain(now, sweep_budget_);
  if (result.pass_done) sweeps_.fetch_add(1, std::memory_order_relaxed);
  turns_in_pass_ = result.pass_done ? 0 : turns_in_pass_ + 1;
  adapt_budget(clock_.now() - start_ns, result.pass_done);
  sample_hit_ratio(start_ns, now);
  turns_.fetch_add(1, std::memory_order_relaxed);
}

void NodeMaintenance::adapt_budget(std::int64_t cost_ns, bool pass_done) {
  const std::int64_t most_ns =
      turns_in_pass_ > kTurnsPerPassMax ? kMaintenanceBudgetBehindNs : kMaintenanceBudgetNs;
  if (cost_ns > most_ns) {
    sweep_budget_ = std::max(sweep_budget_ / 2, kSweepBudgetMin);
  } else if (cost_ns < most_ns / 2 && !pass_done) {
    sweep_budget_ = std::min(sweep_budget_ * 2, kSweepBudgetMax);
  }
}

void NodeMaintenance::sample_hit_ratio(std::int64_t now_ns, Seconds now) {
  const StoreCounters counters = store_.stats_since_start(now).counters;
  hit_ratio_.sample(now_ns, counters.get_hits, counters.get_misses);
}

}  // namespace ringcache::store
