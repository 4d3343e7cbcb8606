#include "store/walk.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

// How often each key was seen, in pieces of `budget` chunks.
std::map<std::string, int> seen_keys(const StoreFixture& on, std::size_t budget) {
  std::map<std::string, int> seen;
  for (WalkPosition at; !at.done;) {
    std::size_t visited = 0;
    at = on.store.walk(at, budget, on.now, [&](const ItemFacts& item) {
      ++seen[std::string(item.key)];
      ++visited;
    });
    REQUIRE(visited <= budget);
  }
  return seen;
}

TEST_CASE("a walk in pieces of any size sees every item once") {
  StoreFixture on;
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(on.set(numbered("key", i), std::string(i % 7 * 300, 'v')));
  }
  REQUIRE(on.set("chained", std::string(500'000, 'v')));
  for (const std::size_t budget : {1, 2, 100, 1'000'000}) {
    const auto seen = seen_keys(on, budget);
    CHECK(seen.size() == 3001);
    for (const auto& [key, times] : seen) REQUIRE(times == 1);
  }
}

TEST_CASE("a walk tells what an item is") {
  StoreFixture on;
  REQUIRE(on.put("one", "12345", {}, {7, 500, true}).status == StoreStatus::kStored);
  const std::uint64_t cas = on.cas("one");
  int items = 0;
  const auto look = [&](bool fetched) {
    return [&items, fetched, cas](const ItemFacts& item) {
      ++items;
      CHECK(item.key == "one");
      CHECK(item.binary_key);
      CHECK(item.fetched == fetched);
      CHECK(item.expiry == 500);
      CHECK(item.last_access == 100);
      CHECK(item.cas == cas);
      CHECK(item.slab_class >= 1);
      CHECK(item.bytes > 8);
    };
  };
  CHECK(on.store.walk({}, 100'000, on.now, look(false)).done);
  REQUIRE(on.get("one") == "12345");
  CHECK(on.store.walk({}, 100'000, on.now, look(true)).done);
  CHECK(items == 2);
}

TEST_CASE("a walk passes over what is dead") {
  StoreFixture on;
  REQUIRE(on.set("expires", "v", 150));
  REQUIRE(on.set("removed", "v"));
  REQUIRE(on.set("stays", "v"));
  REQUIRE(on.remove("removed") == DeleteStatus::kDeleted);
  on.now = 150;
  CHECK(seen_keys(on, 10) == std::map<std::string, int>{{"stays", 1}});
  on.thread.flush_all(on.now, on.now);
  CHECK(seen_keys(on, 10).empty());
}

TEST_CASE("items stored and removed during a walk do not disturb the others") {
  StoreFixture on;
  for (int i = 0; i < 1000; ++i) REQUIRE(on.set(numbered("stays", i), "v"));
  for (int i = 0; i < 1000; ++i) REQUIRE(on.set(numbered("goes", i), "v"));
  std::map<std::string, int> seen;
  int step = 0;
  for (WalkPosition at; !at.done; ++step) {
    at = on.store.walk(at, 50, on.now,
                       [&](const ItemFacts& item) { ++seen[std::string(item.key)]; });
    on.remove(numbered("goes", step));
    on.set(numbered("new", step), std::string(2000, 'n'));
    on.next_batch();
  }
  for (int i = 0; i < 1000; ++i) REQUIRE(seen[numbered("stays", i)] == 1);
  CHECK(on.store.check_integrity().empty());
}

}  // namespace
}  // namespace ringcache::store
