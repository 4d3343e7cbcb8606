#include "store/node_maintenance.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace ringcache::store {

namespace {

constexpr std::int64_t kPeriodNs = std::chrono::nanoseconds(kMaintenancePeriod).count();
constexpr std::size_t kSweepBudgetMin = 1'000;
constexpr std::size_t kSweepBudgetMax = 10'000'000;
// Chunks of an ordered round between two pauses, as memcached's crawler.
constexpr std::size_t kOrderedPiece = 1'000;

}  // namespace

void NodeMaintenance::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "maintenance");
}

void NodeMaintenance::stop() {
  control_.stop();
  if (thread_.joinable()) thread_.join();
}

void NodeMaintenance::run() {
  for (;;) {
    switch (control_.wait(wait_after_turn_)) {
      case SweepControl::Wake::kStop:
        return;
      case SweepControl::Wake::kTime:
        turn();
        break;
      case SweepControl::Wake::kOrder:
        ordered_round();
        break;
    }
  }
}

// The sweep is somewhere in the middle when a round is ordered: what it has behind it comes after
// the first end. A page that has been looked at has nothing left to look at, so that costs little.
// A round may take hours: what else the thread does goes on meanwhile, and sweeps a part of it.
void NodeMaintenance::ordered_round() {
  const std::uint64_t items_max = control_.options().items_max;
  const std::uint64_t classes = std::max<std::uint64_t>(store_.stats(now()).classes.size(), 1);
  const bool bounded = items_max > 0 && items_max < UINT64_MAX / classes;
  std::uint64_t left = bounded ? items_max * classes : UINT64_MAX;
  const std::uint64_t begun = sweeps();
  do {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left, kOrderedPiece));
    sweep(piece);
    left -= piece;
    const std::chrono::nanoseconds since_turn(clock_.now() - turned_at_ns_);
    if (since_turn >= wait_after_turn_) turn();
  } while (sweeps() - begun < 2 && left > 0 && control_.pause());
  control_.end_round();
}

// Turns for pages that wait to go come more often than the sweep's.
void NodeMaintenance::turn() {
  const std::int64_t start_ns = clock_.now();
  const std::int64_t start_cost_ns = cost_clock_.now();
  const bool due = wait_after_turn_ == kMaintenancePeriod || start_ns - swept_at_ns_ >= kPeriodNs;
  turned_at_ns_ = start_ns;
  wait_after_turn_ = kMaintenancePeriod;
  if (due || shrinks_) shrinks_ = store_.maintain(now()).pages_wait;
  if (shrinks_) {
    wait_after_turn_ = std::max<std::chrono::microseconds>(
        kShrinkPauseMin, std::chrono::microseconds((cost_clock_.now() - start_cost_ns) / 1000));
  }
  if (due) {
    swept_at_ns_ = start_ns;
    if (control_.options().enabled) budgeted_sweep();
    sample_hit_ratio(start_ns, now());
  }
  turns_.fetch_add(1, std::memory_order_relaxed);
}

SweepResult NodeMaintenance::sweep(std::size_t chunks) {
  const SweepResult result = store_.sweep(now(), chunks);
  if (result.pass_done) sweeps_.fetch_add(1, std::memory_order_relaxed);
  return result;
}

void NodeMaintenance::budgeted_sweep() {
  const std::int64_t start_ns = cost_clock_.now();
  const bool pass_done = sweep(sweep_budget_).pass_done;
  turns_in_pass_ = pass_done ? 0 : turns_in_pass_ + 1;
  adapt_budget(cost_clock_.now() - start_ns, pass_done);
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
