#include "net/io_threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "tests/net/net_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

TEST_CASE("posted work runs on its worker, in order") {
  IoThreadsOptions options;
  options.count = 3;
  IoThreads threads(options);
  REQUIRE(threads.start() == std::nullopt);
  CHECK(threads.size() == 3);
  CHECK(IoThreads::current_index() == std::nullopt);
  std::vector<int> order;
  std::atomic<int> wrong{0};
  for (int number = 0; number < 1000; ++number) {
    threads.post(1, [&order, &wrong, number] {
      if (IoThreads::current_index() != 1) ++wrong;
      order.push_back(number);
    });
  }
  threads.run_on_all([](Worker&) {});
  REQUIRE(order.size() == 1000);
  for (int number = 0; number < 1000; ++number)
    CHECK(order[static_cast<std::size_t>(number)] == number);
  CHECK(wrong == 0);
}

TEST_CASE("work posted by a worker to itself runs too") {
  IoThreads threads({.count = 1, .name = "self", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  Mailbox<int> done;
  threads.post(0, [&] { threads.post(0, [&] { done.put(1); }); });
  CHECK(done.take() == 1);
}

TEST_CASE("a worker that looks for more before it sleeps hears posts, timers and its end") {
  IoThreads threads({.count = 1, .name = "busy", .clock = nullptr, .busy_poll = 50ms});
  REQUIRE(threads.start() == std::nullopt);
  Mailbox<int> done;
  std::unique_ptr<Timer> timer;
  threads.run_on_all([&](Worker& worker) {
    timer = std::make_unique<Timer>(worker.timers(), [&] { done.put(2); });
    timer->after(100ms);  // after it has begun to look, and gone to sleep
  });
  threads.post(0, [&] { done.put(1); });
  CHECK(done.take() == 1);
  CHECK(done.take() == 2);
  threads.run_on_all([&](Worker&) { timer.reset(); });
  threads.stop();
  threads.join();
}

TEST_CASE("after stop nothing is taken; what was posted before has run") {
  IoThreads threads({.count = 2, .name = "w", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  std::atomic<int> runs{0};
  for (int count = 0; count < 100; ++count) threads.post(0, [&] { ++runs; });
  threads.stop();
  threads.stop();
  threads.join();
  CHECK(runs == 100);
  CHECK_FALSE(threads.post(0, [&] { ++runs; }));
  CHECK(runs == 100);
  threads.run_on_all([&](Worker&) { ++runs; });  // does not hang
  CHECK(runs == 100);
}

TEST_CASE("timers of a worker follow the clock they are given") {
  ManualClock clock;
  IoThreads threads({.count = 1, .name = "w", .clock = &clock});
  REQUIRE(threads.start() == std::nullopt);
  Mailbox<std::uint64_t> fired;
  std::unique_ptr<Timer> timer;
  std::uint64_t start = 0;
  threads.run_on_all([&](Worker& worker) {
    start = worker.now_ms();
    timer = std::make_unique<Timer>(worker.timers(), [&] { fired.put(worker.now_ms()); });
    timer->after(250ms);
  });
  clock.advance(249ms);
  threads.wake();
  threads.wake();
  CHECK(fired.size() == 0);
  clock.advance(1ms);
  threads.wake();
  CHECK(fired.take() == start + 250);
  threads.run_on_all([&](Worker&) { timer.reset(); });
}

TEST_CASE("the real clock fires timers without help") {
  IoThreads threads({.count = 1, .name = "w", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  Mailbox<int> fired;
  std::unique_ptr<Timer> timer;
  int count = 0;
  threads.run_on_all([&](Worker& worker) {
    timer = std::make_unique<Timer>(worker.timers(), [&] { fired.put(++count); });
    timer->every(1ms);
  });
  for (int expected = 1; expected <= 5; ++expected) CHECK(fired.take() == expected);
  threads.run_on_all([&](Worker&) { timer.reset(); });
}

TEST_CASE("the end of a turn comes after its handlers, once for each request") {
  IoThreads threads({.count = 1, .name = "w", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  std::vector<int> order;
  Mailbox<bool> done;
  struct Context {
    std::vector<int>& order;
    Mailbox<bool>& done;
  } context{order, done};
  threads.post(0, [&] {
    Worker::current()->at_end_of_turn(
        [](void* raw) {
          static_cast<Context*>(raw)->order.push_back(2);
          static_cast<Context*>(raw)->done.put(true);
        },
        &context);
    order.push_back(1);
  });
  CHECK(done.take().has_value());
  threads.run_on_all([](Worker&) {});
  CHECK(order == std::vector<int>{1, 2});
  CHECK(done.size() == 0);
}
