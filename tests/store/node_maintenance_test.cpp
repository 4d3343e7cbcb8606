#include "store/node_maintenance.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "tests/store/store_fixture.h"

using namespace ringcache;
using namespace ringcache::store;

namespace {

// Each look at it is so much later.
class CostlyClock final : public net::Clock {
 public:
  explicit CostlyClock(std::int64_t step_ns) : step_ns_(step_ns) {}
  net::SteadyNs now() const override { return now_ += step_ns_; }

 private:
  const std::int64_t step_ns_;
  mutable net::SteadyNs now_ = 0;
};

// A second passes with each look at it, and meanwhile clients leave more that is expired.
class BusyClock final : public net::Clock {
 public:
  explicit BusyClock(StoreFixture& on) : on_(on) {}
  net::SteadyNs now() const override {
    const Seconds before = std::exchange(on_.now, 100);
    for (int i = 0; i < 2'000 && looks_ < kLooks; ++i) {
      REQUIRE(on_.set(numbered("more", looks_ * 2'000 + i), "v", 150));
    }
    on_.next_batch();
    on_.now = before;
    return (201 + ++looks_) * net::SteadyNs{1'000'000'000};
  }

 private:
  static constexpr int kLooks = 100;
  StoreFixture& on_;
  mutable int looks_ = 0;
};

// A store with expired items, and what looks after it.
struct Maintained {
  explicit Maintained(int expired, const SweepOptions& sweep = {},
                      const net::Clock& cost = net::Clock::thread_cpu())
      : maintenance(on.store, clock, NodeClock{0, 1'700'000'000}, sweep, cost) {
    for (int i = 0; i < expired; ++i) REQUIRE(on.set(numbered("expired", i), "v", 150));
    REQUIRE(on.set("lives", "v"));
    on.now = 200;
  }
  std::uint64_t items() const { return on.totals().curr_items; }
  std::uint64_t looked_at() const { return on.totals().crawler_items_checked; }

  StoreFixture on;
  net::ManualClock clock{201'000'000'000};
  NodeMaintenance maintenance;
};

}  // namespace

TEST_CASE("a round that is ordered frees all that is expired, in one go") {
  Maintained test(20'000, {.pause = std::chrono::microseconds(0)});
  test.maintenance.ordered_round();
  CHECK(test.items() == 1);
  CHECK(test.maintenance.sweeps() == 2);
}

TEST_CASE("a round includes what the sweep had behind it") {
  Maintained test(20'000, {.pause = std::chrono::microseconds(0)});
  look_after(test.on.store, 200, 10'000);
  REQUIRE(test.items() > 1);
  for (int i = 0; i < 9'000; ++i) REQUIRE(test.on.set(numbered("expired", i), "v", 150));
  test.maintenance.ordered_round();
  CHECK(test.items() == 1);
}

TEST_CASE("a round ends where it was told to, and the next goes on there") {
  Maintained test(20'000, {.pause = std::chrono::microseconds(0), .items_max = 2'000});
  const std::uint64_t classes = test.on.store.stats(test.on.now).classes.size();
  test.maintenance.ordered_round();
  const std::uint64_t first = test.looked_at();
  CHECK(first >= 1'000);
  CHECK(first <= 2'000 * classes + 128);
  test.maintenance.ordered_round();
  CHECK(test.looked_at() >= 2 * 1'000);
  CHECK(test.items() > 1);
  for (int rounds = 0; rounds < 20; ++rounds) test.maintenance.ordered_round();
  CHECK(test.items() == 1);
}

TEST_CASE("what is done each second goes on during a round, however long it is") {
  Maintained test(20'000, {.pause = std::chrono::microseconds(0)});
  test.maintenance.turn();
  const std::uint64_t turns = test.maintenance.turns();
  test.maintenance.ordered_round();
  CHECK(test.maintenance.turns() == turns);  // no time has passed
  test.clock.advance(kMaintenancePeriod);
  test.maintenance.ordered_round();
  CHECK(test.maintenance.turns() == turns + 1);
}

TEST_CASE("what the second's sweep comes to the end of ends a round too") {
  StoreFixture on;
  const BusyClock clock(on);
  NodeMaintenance maintenance(on.store, clock, NodeClock{0, 1'700'000'000},
                              {.pause = std::chrono::microseconds(0)});
  maintenance.ordered_round();
  CHECK(maintenance.sweeps() <= 3);
}

TEST_CASE("an order that comes during a round is a round of its own, after it") {
  SweepControl control({});
  CHECK(control.wait(std::chrono::microseconds(0)) == SweepControl::Wake::kTime);
  control.order();
  CHECK(control.wait(std::chrono::microseconds(0)) == SweepControl::Wake::kOrder);
  control.order();
  control.order();  // one is enough
  control.end_round();
  CHECK(control.ordered());
  CHECK(control.wait(std::chrono::microseconds(0)) == SweepControl::Wake::kOrder);
  control.end_round();
  CHECK_FALSE(control.ordered());
  CHECK(control.wait(std::chrono::microseconds(0)) == SweepControl::Wake::kTime);
  control.order();
  CHECK(control.wait(std::chrono::microseconds(0)) == SweepControl::Wake::kOrder);
  control.order();
  control.disable();
  control.end_round();
  CHECK_FALSE(control.ordered());
}

TEST_CASE("the sweep looks at less when that costs too much, and at more when it is cheap") {
  for (const std::int64_t cost_ns : {kMaintenanceBudgetNs * 2, kMaintenanceBudgetNs / 10}) {
    CAPTURE(cost_ns);
    const CostlyClock cost(cost_ns);
    Maintained test(0, {}, cost);
    for (int i = 0; i < 220'000; ++i) REQUIRE(test.on.set(numbered("dead", i), "v", 150));
    test.maintenance.turn();
    const std::uint64_t first = test.looked_at();
    CHECK(first >= 100'000 - 128);
    test.maintenance.turn();
    const std::uint64_t second = test.looked_at() - first;
    if (cost_ns > kMaintenanceBudgetNs) {
      CHECK(second <= first / 2 + 128);
    } else {
      CHECK(second > first);
    }
  }
}

TEST_CASE("the thread takes an order at once, and says when it is done") {
  Maintained test(20'000);
  test.maintenance.start();
  CHECK_FALSE(test.maintenance.control().ordered());
  test.maintenance.control().order();
  while (test.maintenance.control().ordered()) std::this_thread::yield();
  CHECK(test.items() == 1);
}

TEST_CASE("disabled, nothing is looked for") {
  Maintained test(100, {.enabled = false});
  CHECK_FALSE(test.maintenance.control().options().enabled);
  test.maintenance.control().order();
  CHECK_FALSE(test.maintenance.control().ordered());
  for (int turns = 0; turns < 3; ++turns) test.maintenance.turn();
  CHECK(test.items() == 101);
  CHECK(test.on.get("expired7") == "(miss)");
  CHECK(test.maintenance.control().enable());
  CHECK_FALSE(test.maintenance.control().enable());
  test.maintenance.turn();
  CHECK(test.items() == 1);
}

TEST_CASE("memory that is to be given back is given back without long pauses") {
  StoreOptions options;
  options.memory_bytes = 32 * kMiB;
  StoreFixture on(options);
  // More than is moved or evicted in one turn.
  for (int i = 0; i < 220'000; ++i) REQUIRE(on.set(numbered("key", i), std::string(100, 'v')));
  net::ManualClock clock;
  NodeMaintenance maintenance(on.store, clock, NodeClock{}, {}, clock);
  maintenance.turn();
  CHECK(maintenance.wait_after_turn() == kMaintenancePeriod);
  REQUIRE(on.store.set_memory_limit(4 * kMiB, on.now));
  on.next_batch();
  bool was_short = false;
  for (int turns = 0; turns < 1000; ++turns) {
    maintenance.turn();
    on.next_batch();
    if (maintenance.wait_after_turn() == kMaintenancePeriod) break;
    CHECK(maintenance.wait_after_turn() == kShrinkPauseMin);
    was_short = true;
  }
  CHECK(was_short);
  CHECK(maintenance.wait_after_turn() == kMaintenancePeriod);
  CHECK(on.totals().total_malloced <= 4 * kMiB);
}

TEST_CASE("a round ends when the sweep is disabled, or the node stops") {
  // Pauses that nobody waits for the end of.
  Maintained test(20'000, {.pause = kSweepPauseMax});
  test.maintenance.start();
  test.maintenance.control().order();
  while (test.looked_at() == 0) std::this_thread::yield();
  test.maintenance.control().disable();
  while (test.maintenance.control().ordered()) std::this_thread::yield();
  CHECK(test.items() > 1);
  test.maintenance.control().enable();
  test.maintenance.control().order();
  test.maintenance.stop();
  CHECK(test.items() > 1);
}
