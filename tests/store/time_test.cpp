// What time does to items: expiry, flush_all now and later.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/store/store_fixture.h"

namespace ringcache::store {

TEST_CASE("expired items are misses, and their memory comes back") {
  StoreFixture f;
  f.set("k", "v", 150);
  f.set("past", "v", kAlreadyPast);
  CHECK(f.get("past") == "(miss)");
  f.now = 149;
  CHECK(f.get("k") == "v");
  f.now = 150;
  StoreOperands replace;
  replace.mode = StoreMode::kReplace;
  CHECK(f.put("k", "w", replace).status == StoreStatus::kNotStored);
  CHECK(f.totals().curr_items == 0);
  CHECK(f.totals().expired == 2);
  CHECK(f.totals().expired_unfetched == 1);
}

TEST_CASE("flush_all: everything before, nothing after, within the same second") {
  StoreFixture f;
  f.set("before", "v");
  f.set("again", "v");
  Reservation pending = f.thread.reserve(f.store.hashed("pending"), {}, 1, f.now);
  f.thread.flush_all(f.now, f.now);
  StoreOperands add;
  add.mode = StoreMode::kAdd;
  CHECK(f.put("again", "w", add).status == StoreStatus::kStored);
  pending.write("p");
  CHECK(f.thread.commit(std::move(pending), {}, f.now).status == StoreStatus::kStored);
  CHECK(f.get("before") == "(miss)");
  CHECK(f.get("again") == "w");
  CHECK(f.get("pending") == "p");
  CHECK(f.counters().get_flushed == 1);
  CHECK(f.counters().cmd_flush == 1);
}

TEST_CASE("flush_all with a delay happens in its second, to what is there then") {
  StoreFixture f;
  f.set("k", "v");
  f.thread.flush_all(110, f.now);
  f.now = 109;
  f.set("later", "v");
  CHECK(f.get("k") == "v");
  f.now = 110;
  CHECK_FALSE(f.thread.debug(f.store.hashed("k"), f.now).has_value());
  CHECK(f.put("new", "v").status == StoreStatus::kStored);
  CHECK(f.get("k") == "(miss)");
  CHECK(f.get("later") == "(miss)");
  CHECK(f.get("new") == "v");
  f.thread.flush_all(120, f.now);
  f.thread.flush_all(f.now, f.now);  // takes the place of the one to come
  f.set("stays", "v");
  f.now = 125;
  CHECK(f.get("stays") == "v");
}

TEST_CASE("more flushes than there are generations stay exact") {
  StoreFixture f;
  for (int round = 0; round < 100; ++round) {
    const std::string key = numbered("k", round);
    f.set(key, "v");
    f.set("same", std::to_string(round));
    CHECK(f.get(key) == "v");
    f.thread.flush_all(f.now, f.now);
    CHECK(f.get(key) == "(miss)");
    for (int old = 0; old <= round; ++old) {
      REQUIRE(f.get(numbered("k", old)) == "(miss)");
    }
    f.set("same", "x");
    CHECK(f.get("same") == "x");
  }
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("flushes with nothing stored in between cost nothing") {
  StoreFixture f;
  constexpr int kItems = 1000;
  for (int i = 0; i < kItems; ++i) f.set(numbered("k", i), "v");
  for (int round = 0; round < 100; ++round) f.thread.flush_all(f.now, f.now);
  // Nobody had to sweep: what is dead is still there.
  CHECK(f.totals().curr_items == kItems);
  CHECK(f.get("k1") == "(miss)");
  f.set("new", "v");
  for (int round = 0; round < 100; ++round) {
    f.thread.flush_all(f.now + 1, f.now);
    ++f.now;
    CHECK(f.get("new") == "(miss)");
  }
  CHECK(f.totals().curr_items >= kItems - 1);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("a flush that is to come finds its generation, however many come before it") {
  StoreFixture f;
  for (int i = 0; i < 15; ++i) {
    f.set(numbered("k", i), "v");
    f.thread.flush_all(f.now, f.now);
  }
  f.set("last", "v");
  CHECK(f.totals().curr_items == 16);
  f.thread.flush_all(f.now + 1, f.now);  // sweeps now, not when it is due
  CHECK(f.totals().curr_items == 1);
  f.set("more", "v");
  ++f.now;
  CHECK(f.get("last") == "(miss)");
  CHECK(f.totals().curr_items == 1);
  CHECK(f.get("more") == "(miss)");
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("threads that flush without end, and that store") {
  Store store(StoreOptions{});
  constexpr int kRounds = 1000;
  std::atomic<int> flushing{2};
  const auto flush = [&](int number) {
    StoreThread thread = store.thread();
    for (int round = 0; round < kRounds; ++round) {
      thread.begin_batch();
      thread.store(store.hashed(numbered("f", round * 2 + number)), {}, "v", {}, 100);
      thread.flush_all(100, 100);
      thread.end_batch();
    }
    --flushing;
  };
  std::thread first(flush, 0);
  std::thread second(flush, 1);
  StoreThread thread = store.thread();
  for (int round = 0; flushing > 0; ++round) {
    thread.begin_batch();
    for (int i = 0; i < 100; ++i) {
      const std::string name = numbered("s", (round * 100 + i) % 20'000);
      const HashedKey key = store.hashed(name);
      thread.store(key, {}, "v", {}, 100);
      thread.get(key, 100);
    }
    thread.end_batch();
  }
  first.join();
  second.join();
  thread.begin_batch();
  thread.flush_all(100, 100);
  CHECK_FALSE(thread.get(store.hashed("s1"), 100));
  CHECK(thread.store(store.hashed("s1"), {}, "w", {}, 100).status == StoreStatus::kStored);
  CHECK(thread.get(store.hashed("s1"), 100));
  thread.end_batch();
  CHECK(store.check_integrity() == "");
}

}  // namespace ringcache::store
