#include "routing/health.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "test_backends.h"

namespace ringcache::routing {
namespace {

using namespace std::chrono_literals;

PoolOptions make_options(std::size_t nodes, std::uint32_t rise = 2) {
  PoolOptions options;
  options.backends = make_backends(nodes);
  options.health.rise = rise;
  return options;
}

}  // namespace

TEST_CASE("nodes are up until something fails") {
  HealthTracker tracker(make_options(3), nullptr, 5ms);
  CHECK(tracker.node_count() == 3);
  CHECK(tracker.look(1).state == NodeState::kUp);
  CHECK(tracker.look(1).since == 5ms);
  const HealthVerdict verdict = tracker.report(1, NodeResult::kSuccess, 10ms);
  CHECK_FALSE(verdict.changed());
  CHECK(verdict.after == NodeState::kUp);
  CHECK(tracker.look(1).since == 5ms);
}

TEST_CASE("every kind of failure makes a node suspect, and only that node") {
  for (const NodeResult result : {NodeResult::kRefused, NodeResult::kTimeout, NodeResult::kReset,
                                  NodeResult::kProtocolError}) {
    CAPTURE(name(result));
    HealthTracker tracker(make_options(2), nullptr, 0ms);
    const HealthVerdict verdict = tracker.report(0, result, 7ms);
    CHECK(verdict.changed());
    CHECK(verdict.before == NodeState::kUp);
    CHECK(verdict.after == NodeState::kSuspect);
    CHECK(verdict.failures == 1);
    const NodeHealth health = tracker.look(0);
    CHECK(health.state == NodeState::kSuspect);
    CHECK(health.last_failure == result);
    CHECK(health.since == 7ms);
    CHECK(tracker.state(1) == NodeState::kUp);
  }
}

TEST_CASE("failures in a row are counted, and a success starts the count again") {
  HealthTracker tracker(make_options(1, 3), nullptr, 0ms);
  CHECK(tracker.report(0, NodeResult::kTimeout, 1ms).failures == 1);
  CHECK(tracker.report(0, NodeResult::kReset, 2ms).failures == 2);
  CHECK_FALSE(tracker.report(0, NodeResult::kTimeout, 3ms).changed());
  CHECK(tracker.look(0).since == 1ms);
  CHECK(tracker.report(0, NodeResult::kSuccess, 4ms).failures == 0);
  CHECK(tracker.state(0) == NodeState::kSuspect);
  CHECK(tracker.report(0, NodeResult::kRefused, 5ms).failures == 1);
  CHECK(tracker.look(0).last_failure == NodeResult::kRefused);
}

TEST_CASE("`rise` successes in a row clear a node") {
  HealthTracker tracker(make_options(1, 3), nullptr, 0ms);
  tracker.report(0, NodeResult::kTimeout, 1ms);
  CHECK_FALSE(tracker.report(0, NodeResult::kSuccess, 2ms).changed());
  CHECK_FALSE(tracker.report(0, NodeResult::kSuccess, 3ms).changed());
  tracker.report(0, NodeResult::kTimeout, 4ms);  // back to none
  CHECK_FALSE(tracker.report(0, NodeResult::kSuccess, 5ms).changed());
  CHECK_FALSE(tracker.report(0, NodeResult::kSuccess, 6ms).changed());
  const HealthVerdict verdict = tracker.report(0, NodeResult::kSuccess, 7ms);
  CHECK(verdict.changed());
  CHECK(verdict.after == NodeState::kUp);
  CHECK(tracker.look(0).since == 7ms);
  CHECK(tracker.look(0).failures == 0);
  CHECK(tracker.look(0).last_failure == NodeResult::kSuccess);
}

TEST_CASE("the count of failures ends at its limit and not at 0") {
  HealthTracker tracker(make_options(1), nullptr, 0ms);
  std::uint32_t last = 0;
  for (int i = 0; i < 70'000; ++i) last = tracker.report(0, NodeResult::kTimeout, 1ms).failures;
  CHECK(last == 65535);
}

TEST_CASE("a reload keeps what is known of the nodes that stay") {
  PoolOptions options = make_options(3);
  HealthTracker old_tracker(options, nullptr, 0ms);
  old_tracker.report(0, NodeResult::kTimeout, 1ms);
  old_tracker.report(1, NodeResult::kTimeout, 1ms);

  std::swap(options.backends[0], options.backends[2]);
  options.backends[1].address = "elsewhere:11211";
  HealthTracker tracker(options, &old_tracker, 9ms);
  CHECK(tracker.state(2) == NodeState::kSuspect);
  CHECK(tracker.look(2).since == 1ms);
  CHECK(tracker.state(1) == NodeState::kUp);  // another machine under the old name
  CHECK(tracker.look(1).since == 9ms);
  CHECK(tracker.state(0) == NodeState::kUp);

  old_tracker.report(2, NodeResult::kReset, 10ms);  // a request that began before the reload
  CHECK(tracker.state(0) == NodeState::kSuspect);
}

TEST_CASE("of many threads exactly one sees each transition") {
  HealthTracker tracker(make_options(1, 2), nullptr, 0ms);
  std::atomic<int> to_suspect{0};
  std::atomic<int> to_up{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20'000; ++i) {
        const bool fails = (i + t) % 5 == 0;
        const HealthVerdict verdict =
            tracker.report(0, fails ? NodeResult::kTimeout : NodeResult::kSuccess, 1ms);
        if (!verdict.changed()) continue;
        ++(verdict.after == NodeState::kSuspect ? to_suspect : to_up);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(to_suspect > 0);
  const int ends_suspect = tracker.state(0) == NodeState::kSuspect ? 1 : 0;
  CHECK(to_suspect - to_up == ends_suspect);
}

}  // namespace ringcache::routing
