// Pages that move: by balance, by order, because the limit was lowered. Whatever happens to pages,
// items keep what they are.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

StoreOptions with_memory(std::size_t mib, std::size_t mib_max = 0) {
  StoreOptions options;
  options.memory_bytes = mib * kMiB;
  options.memory_bytes_max = mib_max * kMiB;
  options.hash_seed = 3;
  return options;
}

std::string key_of(int number) {
  return numbered("key:", static_cast<std::uint64_t>(number));
}

// The class, as `stats` numbers them, with most pages; and how many it has.
std::pair<unsigned, std::uint64_t> largest_class(const StoreFixture& f) {
  std::pair<unsigned, std::uint64_t> most{0, 0};
  for (const ClassStats& one : f.store.stats(f.now).classes) {
    if (one.slabs.total_pages > most.second) most = {one.number, one.slabs.total_pages};
  }
  return most;
}

std::uint64_t pages_of(const StoreFixture& f, unsigned number) {
  for (const ClassStats& one : f.store.stats(f.now).classes) {
    if (one.number == number) return one.slabs.total_pages;
  }
  return 0;
}

void maintain(StoreFixture& f) {
  f.thread.end_batch();
  look_after(f.store, f.now, 1000);
  f.thread.begin_batch();
}

}  // namespace

TEST_CASE("a page moves by order, and its items keep value, flags, cas, expiry and marks") {
  StoreFixture f(with_memory(4));
  for (int key = 0; key < 3000; ++key) {
    const std::string value = value_of(static_cast<std::uint64_t>(key), 1, 100);
    REQUIRE(f.put(key_of(key), value, {}, {static_cast<std::uint32_t>(key % 2), f.now + 500, false})
                .status == StoreStatus::kStored);
    if (key % 3 == 0) f.get(key_of(key));
  }
  REQUIRE(f.set("other", std::string(2000, 'o')));
  std::vector<std::uint64_t> cas;
  for (int key = 0; key < 3000; ++key) cas.push_back(f.cas(key_of(key)));
  const auto [from, pages] = largest_class(f);
  REQUIRE(pages > 3);
  const unsigned to = f.thread.debug(f.store.hashed("other"), f.now)->slab_class;
  REQUIRE(f.store.reassign_page(from, to, f.now) == ReassignStatus::kOk);
  for (int turns = 0; turns < 200 && pages_of(f, to) < 2; ++turns) maintain(f);
  CHECK(pages_of(f, to) == 2);
  CHECK(f.totals().items_moved > 50);
  CHECK(f.store.check_integrity() == "");
  int kept = 0;
  for (int key = 0; key < 3000; ++key) {
    const auto debug = f.thread.debug(f.store.hashed(key_of(key)), f.now);
    if (!debug) continue;
    ++kept;
    const auto number = static_cast<std::size_t>(key);
    CHECK(debug->cas == cas[number]);
    CHECK(debug->client_flags == number % 2);
    CHECK(debug->expiry == f.now + 500);
    CHECK(debug->fetched == (key % 3 == 0));
    CHECK(f.get(key_of(key)) == value_of(number, 1, 100));
  }
  CHECK(static_cast<std::uint64_t>(kept) == 3000 - f.totals().evictions);
  CHECK(kept > 2500);
}

TEST_CASE("orders that make no sense are refused") {
  StoreFixture f(with_memory(4));
  f.set("k", "v");
  const unsigned has = f.thread.debug(f.store.hashed("k"), f.now)->slab_class;
  CHECK(f.store.reassign_page(has, has, f.now) == ReassignStatus::kSame);
  CHECK(f.store.reassign_page(0, has, f.now) == ReassignStatus::kBadClass);
  CHECK(f.store.reassign_page(has, 200, f.now) == ReassignStatus::kBadClass);
  CHECK(f.store.reassign_page(has, 100000, f.now) == ReassignStatus::kBadClass);
  CHECK(f.store.reassign_page(has, has + 1, f.now) == ReassignStatus::kNoSpare);  // its only page
  CHECK(f.store.reassign_page(std::nullopt, has + 1, f.now) == ReassignStatus::kNoSpare);
}

TEST_CASE("a value whose chunks move under a pin stays what it was") {
  StoreOptions options = with_memory(4);
  options.pin_bytes_min = 1000;
  StoreFixture f(options);
  const std::string value = value_of(1, 1, 70'000);
  REQUIRE(f.set("pinned", value));
  const ItemRef pin = f.thread.pin(f.thread.get(f.store.hashed("pinned"), f.now));
  REQUIRE(pin);
  std::vector<std::string> others;
  for (int key = 0; key < 40; ++key) {
    others.push_back(value_of(2, static_cast<std::uint64_t>(key), 30'000 + 777 * (key % 7)));
    REQUIRE(f.set(key_of(key), others.back()));
  }
  REQUIRE(f.set("small", std::string(50, 's')));
  const unsigned to = f.thread.debug(f.store.hashed("small"), f.now)->slab_class;
  for (int moves = 0; moves < 60; ++moves) {
    for (const ClassStats& one : f.store.stats(f.now).classes) {
      if (one.number != to) f.store.reassign_page(one.number, to, f.now);
      for (int turns = 0; turns < 3; ++turns) maintain(f);
      f.now += 6;  // a page with a pinned item is given up then
      maintain(f);
    }
    REQUIRE(StoreFixture::text(pin.view()) == value);
  }
  CHECK(f.totals().slabs_moved > 10);
  for (int key = 0; key < 40; ++key) {
    const std::string found = f.get(key_of(key));
    CHECK((found == "(miss)" || found == others[static_cast<std::size_t>(key)]));
  }
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("without eviction a page moves only if nothing is lost by it") {
  StoreOptions options = with_memory(4);
  options.evict = false;
  StoreFixture f(options);
  int key = 0;
  for (; key < 20; ++key) REQUIRE(f.set(key_of(key), std::string(70'000, 'l')));
  REQUIRE(f.set("small", "s"));
  const unsigned to = f.thread.debug(f.store.hashed("small"), f.now)->slab_class;
  while (f.set(key_of(key), std::string(1000, 'v'))) ++key;
  for (int orders = 0; orders < 20; ++orders) {
    for (const ClassStats& one : f.store.stats(f.now).classes) {
      f.store.reassign_page(one.number, to, f.now);
      maintain(f);
    }
    f.now += 6;
    maintain(f);
  }
  CHECK(f.totals().evictions == 0);
  for (int stored = 0; stored < key; ++stored) REQUIRE(f.get(key_of(stored)) != "(miss)");
  CHECK(f.store.reassign_page(1, 1, f.now) == ReassignStatus::kSame);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("a page that has only the ends of large values can be emptied") {
  StoreOptions options = with_memory(16);
  options.eviction = EvictionKind::kSegmentedLru;
  StoreFixture f(options);
  for (int key = 0; key < 2000; ++key) REQUIRE(f.set(key_of(key), std::string(18'000, 'l')));
  REQUIRE(f.set("small", "s"));
  CHECK(f.store.set_memory_limit(2 * kMiB, f.now));
  for (int turns = 0; turns < 60 && f.totals().total_malloced > 2 * kMiB; ++turns) {
    ++f.now;
    maintain(f);
  }
  CHECK(f.totals().total_malloced <= 2 * kMiB);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("a store that takes a page above a lowered limit takes one, not all") {
  StoreFixture f(with_memory(32));
  for (int key = 0; key < 200'000; ++key) f.set(key_of(key), std::string(100, 'v'));
  const std::uint64_t before = f.totals().curr_items;
  CHECK(f.store.set_memory_limit(4 * kMiB, f.now));
  REQUIRE(f.set("other", std::string(3000, 'o')));
  CHECK(f.totals().curr_items > before - 2000);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("a move does not evict more and more while a reader holds everything up") {
  StoreFixture f(with_memory(8));
  for (int key = 0; key < 100'000; ++key) {
    f.set(key_of(key), std::string(100, 'v'));
    if (key % 10 == 0) f.next_batch();
  }
  f.set("other", std::string(3000, 'o'));
  const unsigned to = f.thread.debug(f.store.hashed("other"), f.now)->slab_class;
  const unsigned from = largest_class(f).first;
  const std::uint64_t before = f.totals().evictions;
  f.thread.end_batch();
  {
    StoreThread reader = f.store.thread();
    reader.begin_batch();
    REQUIRE(f.store.reassign_page(from, to, f.now) == ReassignStatus::kOk);
    for (int turns = 0; turns < 50; ++turns) look_after(f.store, f.now, 1000);
    CHECK(f.totals().evictions < before + 400);  // what is on the page, and a few
    reader.end_batch();
  }
  f.thread.begin_batch();
  for (int turns = 0; turns < 100; ++turns) maintain(f);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("the memory limit can be lowered and raised while items are there") {
  for (const EvictionKind kind : {EvictionKind::kHitDensity, EvictionKind::kSegmentedLru}) {
    StoreOptions options = with_memory(8, 32);
    options.eviction = kind;
    StoreFixture f(options);
    for (int key = 0; key < 20'000; ++key) {
      REQUIRE(f.set(key_of(key), value_of(static_cast<std::uint64_t>(key), 1, 300)));
    }
    CHECK(f.totals().total_malloced > 5 * kMiB);
    CHECK_FALSE(f.store.set_memory_limit(33 * kMiB, f.now));
    CHECK_FALSE(f.store.set_memory_limit(kMiB - 1, f.now));
    CHECK(f.store.set_memory_limit(2 * kMiB, f.now));
    CHECK(f.totals().limit_maxbytes == 2 * kMiB);
    for (int turns = 0; turns < 1000 && f.totals().total_malloced > 2 * kMiB; ++turns) maintain(f);
    CHECK(f.totals().total_malloced <= 2 * kMiB);
    CHECK(f.totals().curr_items > 3000);
    CHECK(f.store.check_integrity() == "");
    CHECK(f.put("large", std::string(2 * kMiB - 100, 'l')).status == StoreStatus::kTooLarge);
    for (int key = 0; key < 20'000; ++key) {
      const std::string found = f.get(key_of(key));
      REQUIRE((found == "(miss)" || found == value_of(static_cast<std::uint64_t>(key), 1, 300)));
    }
    CHECK(f.store.set_memory_limit(32 * kMiB, f.now));
    for (int key = 0; key < 60'000; ++key) {
      REQUIRE(f.set(key_of(key), value_of(static_cast<std::uint64_t>(key), 2, 300)));
    }
    CHECK(f.totals().total_malloced > 18 * kMiB);
    CHECK(f.totals().curr_items == 60'000);
    CHECK(f.store.check_integrity() == "");
  }
}

TEST_CASE("a lowered limit is reached by stores alone, too") {
  StoreFixture f(with_memory(8));
  for (int key = 0; key < 20'000; ++key) f.set(key_of(key), std::string(300, 'v'));
  CHECK(f.store.set_memory_limit(4 * kMiB, f.now));
  for (int key = 0; key < 40'000; ++key) {
    REQUIRE(f.set(key_of(key), std::string(300, 'w')));
    if (key % 10 == 0) f.next_batch();
  }
  CHECK(f.totals().total_malloced <= 4 * kMiB);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("the hash table can be counted within the limit") {
  StoreOptions options = with_memory(4);
  options.count_table = true;
  StoreFixture f(options);
  for (int key = 0; key < 60'000; ++key) {
    REQUIRE(f.set(key_of(key), "small"));
    if (key % 10 == 0) f.next_batch();
    if (key % 1000 == 0)
      CHECK(f.totals().total_malloced + f.totals().hash_bytes < 4 * kMiB + 99'000);
  }
  maintain(f);
  CHECK(f.totals().hash_bytes > kMiB / 4);
  CHECK(f.totals().total_malloced + f.totals().hash_bytes <=
        4 * kMiB + f.store.options().page_bytes);
  CHECK(f.totals().limit_maxbytes == 4 * kMiB);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("when the sizes change for good, the new ones get the memory") {
  StoreFixture f(with_memory(8));
  int key = 0;
  const auto store_turnovers = [&](std::size_t bytes, std::size_t turnovers) {
    const std::string value(bytes, 'v');
    for (std::size_t stored = 0; stored < turnovers * 8 * kMiB; stored += bytes) {
      REQUIRE(f.set(key_of(++key), value));
      if (key % 10 == 0) f.next_batch();
    }
  };
  store_turnovers(100, 2);
  store_turnovers(1000, 2);
  store_turnovers(8192, 24);
  std::uint64_t of_large = 0;
  for (const ClassStats& one : f.store.stats(f.now).classes) {
    if (one.slabs.chunk_size > 1100) of_large += one.items.mem_requested;
  }
  CHECK(of_large > 8 * kMiB * 9 / 10);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("without automove pages stay where they are, but a class without any takes one") {
  StoreOptions options = with_memory(4);
  options.automove = false;
  StoreFixture f(options);
  for (int key = 0; key < 40'000; ++key) f.set(key_of(key), std::string(100, 'v'));
  const std::uint64_t before = f.totals().slabs_moved;
  for (int key = 0; key < 4000; ++key) REQUIRE(f.set(key_of(key), std::string(1000, 'w')));
  CHECK(f.totals().slabs_moved <= before + 2);
  f.store.set_automove(true);
  CHECK(f.store.automove());
  for (int key = 0; key < 40'000; ++key) {
    REQUIRE(f.set(key_of(key), std::string(1000, 'w')));
    if (key % 10 == 0) f.next_batch();
  }
  CHECK(f.totals().slabs_moved > before + 50);
}

TEST_CASE("the segmented LRU is tuned at run time; the other policy has nothing to tune") {
  StoreOptions options = with_memory(1);
  options.eviction = EvictionKind::kSegmentedLru;
  Store lru(options);
  LruTuning tuning;
  tuning.hot_percent = 10;
  tuning.warm_percent = 60;
  tuning.temporary_ttl = 30;
  CHECK(lru.tune_lru(tuning));
  CHECK(lru.lru_tuning().hot_percent == 10);
  CHECK(lru.lru_tuning().temporary_ttl == 30U);
  tuning.warm_percent = 71;
  CHECK_FALSE(lru.tune_lru(tuning));
  tuning.warm_percent = 60;
  tuning.hot_age_factor = 0;
  CHECK_FALSE(lru.tune_lru(tuning));
  CHECK(lru.lru_tuning().warm_percent == 60);
  Store other(with_memory(1));
  CHECK_FALSE(other.tune_lru({}));
}

}  // namespace ringcache::store
