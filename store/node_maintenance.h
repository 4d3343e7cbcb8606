// The node's background thread: sweeps the store for expired items, looks after its lists, samples
// the hit ratio. Once a second, within a share of a core; a round of the sweep that is ordered
// (sweep_control.h) is done at once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

#include "net/clock.h"
#include "net/hit_ratio.h"
#include "store/node_clock.h"
#include "store/store.h"
#include "store/sweep_control.h"

namespace ringcache::store {

// Of a second: what the sweep may cost, 1 % of a core; 5 % while it needs more than
// kTurnsPerPassMax seconds to get round, so that expired items do not wait longer than that unless
// more than some hundred thousand expire in a second.
inline constexpr std::int64_t kMaintenanceBudgetNs = 10'000'000;
inline constexpr std::int64_t kMaintenanceBudgetBehindNs = 50'000'000;
inline constexpr unsigned kTurnsPerPassMax = 5;

inline constexpr std::chrono::seconds kMaintenancePeriod{1};
// Between turns while memory is given back: as long as the turn took, half of a core, at least
// this.
inline constexpr std::chrono::milliseconds kShrinkPauseMin{10};

class NodeMaintenance {
 public:
  // Costs are measured by `cost_clock`: CPU time of the thread, so that waiting for a lock is none.
  NodeMaintenance(Store& store, const net::Clock& clock, const NodeClock& node_clock,
                  const SweepOptions& sweep = {},
                  const net::Clock& cost_clock = net::Clock::thread_cpu())
      : store_(store),
        clock_(clock),
        cost_clock_(cost_clock),
        node_clock_(node_clock),
        turned_at_ns_(clock.now()),
        control_(sweep) {}
  // As stop().
  ~NodeMaintenance() { stop(); }

  void start();
  void stop();  // waits for the turn in hand

  // One turn, as the thread does it each second; for tests too. One thread at a time.
  void turn();
  // How long the thread waits then: less while pages wait to go after a `cache_memlimit`.
  std::chrono::microseconds wait_after_turn() const { return wait_after_turn_; }
  // A round of the sweep, with its pauses, as the thread does it when one is ordered.
  void ordered_round();

  SweepControl& control() { return control_; }
  const SweepControl& control() const { return control_; }

  double hit_ratio() const { return hit_ratio_.value(); }
  std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  std::uint64_t sweeps() const { return sweeps_.load(std::memory_order_relaxed); }

 private:
  void run();
  Seconds now() const { return node_clock_.seconds(clock_.now()); }
  SweepResult sweep(std::size_t chunks);
  void budgeted_sweep();
  void adapt_budget(std::int64_t cost_ns, bool pass_done);
  void sample_hit_ratio(std::int64_t now_ns, Seconds now);

  Store& store_;
  const net::Clock& clock_;
  const net::Clock& cost_clock_;
  const NodeClock node_clock_;
  net::HitRatio hit_ratio_;
  std::size_t sweep_budget_ = 100'000;  // chunks a turn, adapted to the cost
  unsigned turns_in_pass_ = 0;
  std::int64_t turned_at_ns_;
  std::int64_t swept_at_ns_ = 0;
  bool shrinks_ = false;  // pages wait to go
  std::chrono::microseconds wait_after_turn_ = kMaintenancePeriod;
  std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint64_t> sweeps_{0};

  SweepControl control_;
  std::thread thread_;
};

}  // namespace ringcache::store
