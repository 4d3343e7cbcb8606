#include "net/deadline.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

using ringcache::net::SteadyNs;
using ringcache::net::Timer;
using ringcache::net::TimerQueue;
using namespace std::chrono_literals;

TEST_CASE("a timer runs once, not before it is due") {
  TimerQueue queue(1000);
  int runs = 0;
  Timer timer(queue, [&] { ++runs; });
  timer.after(10ns);
  CHECK(timer.armed());
  CHECK(queue.next_due() == 1010);
  queue.set_now(1009);
  CHECK(queue.run_due() == 0);
  queue.set_now(1010);
  CHECK(queue.run_due() == 1);
  CHECK(runs == 1);
  CHECK_FALSE(timer.armed());
  CHECK(queue.next_due() == std::nullopt);
  queue.set_now(5000);
  CHECK(queue.run_due() == 0);
}

TEST_CASE("arming again moves a timer, cancelling disarms it") {
  TimerQueue queue(0);
  int runs = 0;
  Timer timer(queue, [&] { ++runs; });
  timer.after(10ns);
  timer.after(20ns);
  CHECK(queue.size() == 1);
  queue.set_now(10);
  CHECK(queue.run_due() == 0);
  timer.cancel();
  timer.cancel();
  queue.set_now(100);
  CHECK(queue.run_due() == 0);
  CHECK(runs == 0);
}

TEST_CASE("timers run by deadline, equal ones in the order of arming") {
  TimerQueue queue(0);
  std::string order;
  Timer a(queue, [&] { order += 'a'; });
  Timer b(queue, [&] { order += 'b'; });
  Timer c(queue, [&] { order += 'c'; });
  Timer d(queue, [&] { order += 'd'; });
  c.after(5ns);
  b.after(3ns);
  a.after(5ns);
  d.after(1ns);
  queue.set_now(10);
  CHECK(queue.run_due() == 4);
  CHECK(order == "dbca");
}

TEST_CASE("a periodic timer skips the periods it missed") {
  TimerQueue queue(0);
  int runs = 0;
  Timer timer(queue, [&] { ++runs; });
  timer.every(10ns);
  for (SteadyNs now = 1; now <= 30; ++now) {
    queue.set_now(now);
    queue.run_due();
  }
  CHECK(runs == 3);
  queue.set_now(1000);
  CHECK(queue.run_due() == 1);
  CHECK(timer.due() == 1010);
  timer.cancel();
  queue.set_now(2000);
  CHECK(queue.run_due() == 0);
}

TEST_CASE("what a callback arms waits for the next turn, even without a delay") {
  TimerQueue queue(0);
  int runs = 0;
  Timer timer(queue, [&] {
    ++runs;
    timer.after(0ns);
  });
  timer.after(0ns);
  CHECK(queue.run_due() == 1);
  CHECK(queue.run_due() == 1);
  CHECK(runs == 2);
}

TEST_CASE("a callback may cancel and destroy others and itself") {
  TimerQueue queue(0);
  int runs = 0;
  auto victim = std::make_unique<Timer>(queue, [&] { ++runs; });
  Timer other(queue, [&] { ++runs; });
  auto self = std::unique_ptr<Timer>();
  self = std::make_unique<Timer>(queue, [&] {
    victim.reset();
    other.cancel();
    self.reset();
  });
  self->after(1ns);
  victim->after(2ns);
  other.after(2ns);
  queue.set_now(2);
  CHECK(queue.run_due() == 1);
  CHECK(runs == 0);
  CHECK(self == nullptr);
  CHECK(queue.size() == 0);
}

TEST_CASE("time does not run backwards") {
  TimerQueue queue(100);
  queue.set_now(50);
  CHECK(queue.now() == 100);
}

TEST_CASE("many timers, armed and cancelled at random, run in order and once") {
  std::mt19937 random(20261123);
  TimerQueue queue(0);
  struct Entry {
    std::unique_ptr<Timer> timer;
    SteadyNs due = -1;
  };
  std::vector<Entry> entries(500);
  SteadyNs last_run = 0;
  for (Entry& entry : entries) {
    entry.timer = std::make_unique<Timer>(queue, [&, own = &entry] {
      CHECK(own->due <= queue.now());
      CHECK(own->due >= last_run);
      last_run = own->due;
      own->due = -1;
    });
  }
  for (int step = 0; step < 20'000; ++step) {
    Entry& entry = entries[random() % entries.size()];
    switch (random() % 4) {
      case 0:
        entry.timer->cancel();
        entry.due = -1;
        break;
      case 1:
        last_run = 0;
        queue.set_now(queue.now() + static_cast<SteadyNs>(random() % 50));
        queue.run_due();
        break;
      default: {
        const auto delay = static_cast<SteadyNs>(random() % 1000);
        entry.timer->after(std::chrono::nanoseconds(delay));
        entry.due = queue.now() + delay;
      }
    }
  }
  for (const Entry& entry : entries) CHECK(entry.timer->armed() == (entry.due >= 0));
}
