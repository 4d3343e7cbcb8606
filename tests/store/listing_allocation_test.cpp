// What listings do under a lock allocates nothing: others wait for it.
#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>

#include "store/prefix_counts.h"
#include "store/walk_piece.h"
#include "tests/store/store_fixture.h"
#include "tests/support/malloc_counter.h"

using ringcache::testing::allocations;
using ringcache::testing::counting_allocations;
using namespace ringcache::store;

namespace {

template <typename Call>
std::size_t allocations_of(Call call) {
  const std::size_t before = allocations;
  counting_allocations = true;
  call();
  counting_allocations = false;
  return allocations - before;
}

}  // namespace

TEST_CASE("a piece of a walk is kept without allocating") {
  StoreFixture on;
  for (int i = 0; i < 1000; ++i) {
    std::string key = numbered("key", i);
    key.resize(kKeyBytesMax, 'k');
    REQUIRE(on.set(key, "v"));
  }
  const auto piece = std::make_unique<WalkPiece>();
  std::size_t items = 0;
  for (WalkPosition at; !at.done;) {
    piece->clear();
    CHECK(allocations_of([&] {
            at = on.store.walk(at, WalkPiece::kItemsMax, on.now,
                               [&piece](const ItemFacts& item) { piece->add(item); });
          }) == 0);
    for (const ItemFacts& item : piece->items()) {
      REQUIRE(item.key.size() == kKeyBytesMax);
      REQUIRE(item.key.starts_with("key"));
      REQUIRE(item.value_bytes == 1);
    }
    items += piece->items().size();
  }
  CHECK(items == 1000);
}

TEST_CASE("a piece of a walk over prefixes allocates nothing") {
  PrefixCounts counts(':', true);
  for (int worker = 0; worker < 3; ++worker) {
    PrefixCounts::Table& table = counts.add_worker();
    for (int i = 0; i < 500; ++i) {
      table.count(std::string(200, 'p') + std::to_string(i + worker * 250) + ":k",
                  PrefixCounts::Event::kHit);
    }
  }
  PrefixWalk walk(counts);
  std::size_t rows = 0;
  while (!walk.done()) CHECK(allocations_of([&] { rows += walk.next().size(); }) == 0);
  CHECK(rows == 1000);
}
