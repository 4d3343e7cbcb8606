#include "store/node_worker.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "tests/store/executor_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

TEST_CASE("of the blocks of a rush a worker keeps some, and hands them out again") {
  TestHost host;
  Store store(small_store());
  ValueBudget budget(store.options().memory_bytes);
  net::TimerQueue timers(0);
  NodeWorker worker(store, host, budget, NodeClock{});
  for (int round = 0; round < 2; ++round) {
    std::vector<std::unique_ptr<ArrivingBlock>> taken;
    for (std::size_t i = 0; i < 3 * kSpareArrivingMax; ++i) {
      taken.push_back(worker.take_arriving(timers));
      taken.back()->timer.after(std::chrono::seconds(1));
    }
    CHECK(worker.spare_arriving.empty());
    for (auto& block : taken) worker.give_arriving(std::move(block));
    CHECK(worker.spare_arriving.size() == kSpareArrivingMax);
    CHECK(timers.size() == 0);
  }
}
