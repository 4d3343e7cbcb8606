// Memory in use is put into huge pages: what is in them stays as it was, nothing more is held, and
// what is given back is gone.
#include "store/huge_pages.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

constexpr int kItems = 150'000;

// Of this process, in KiB.
std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6));
  }
  return 0;
}

std::string value_at(int number) {
  return value_of(static_cast<std::uint64_t>(number), 1, 100);
}

// All that is full; whether the system did it.
bool collapse_all(Store& store) {
  for (;;) {
    switch (store.collapse_next()) {
      case CollapseStatus::kNothing:
        return true;
      case CollapseStatus::kCollapsed:
        break;
      default:
        MESSAGE("the system has no huge page");
        return false;
    }
  }
}

}  // namespace

TEST_CASE("ranges that are huge, until a part of them is given back") {
  HugeRanges ranges(5 * kHugePageBytes + 4096);
  REQUIRE(ranges.count() == 5);
  ranges.set(1, true);
  ranges.set(2, true);
  ranges.set(2, true);
  ranges.set(4, true);
  CHECK(ranges.huge() == 3);
  ranges.forget(3 * kHugePageBytes, kHugePageBytes);
  CHECK(ranges.huge() == 3);
  ranges.forget(2 * kHugePageBytes - 4096, 8192);
  CHECK_FALSE(ranges.is_huge(1));
  CHECK_FALSE(ranges.is_huge(2));
  CHECK(ranges.huge() == 1);
  ranges.forget(4 * kHugePageBytes, 100 * kHugePageBytes);
  CHECK(ranges.huge() == 0);
}

TEST_CASE("what is empty or begun is left alone") {
  StoreFixture on;
  CHECK(on.store.collapse_next() == CollapseStatus::kNothing);
  for (int i = 0; i < 1000; ++i) REQUIRE(on.set(numbered("key", i), value_at(i)));
  CHECK(on.store.collapse_next() == CollapseStatus::kNothing);
  CHECK(on.totals().huge_page_bytes == 0);
}

TEST_CASE("items and table become huge, are what they were, and take no more memory") {
  StoreFixture on;
  for (int i = 0; i < kItems; ++i) REQUIRE(on.set(numbered("key", i), value_at(i)));
  const std::size_t before_kib = resident_kib();
  if (!collapse_all(on.store)) return;
  const StoreTotals totals = on.totals();
  // All but what is begun: a page of each, of the table and of the items.
  CHECK(totals.huge_page_bytes + 2 * kHugePageBytes >= totals.total_malloced);
  CHECK(totals.huge_page_bytes <= totals.total_malloced + totals.hash_bytes);
  CHECK(totals.huge_page_failures == 0);
  CHECK(resident_kib() < before_kib + 512);
  for (int i = 0; i < kItems; ++i) REQUIRE(on.get(numbered("key", i)) == value_at(i));
  CHECK(on.store.check_integrity().empty());
}

TEST_CASE("memory that is given back is no huge page any more, and comes back as one when full") {
  StoreFixture on;
  for (int i = 0; i < kItems; ++i) REQUIRE(on.set(numbered("key", i), value_at(i)));
  if (!collapse_all(on.store)) return;
  const std::uint64_t whole = on.totals().huge_page_bytes;
  const std::size_t before_kib = resident_kib();
  REQUIRE(on.store.set_memory_limit(4 * kMiB, on.now));
  for (int turns = 0; turns < 1000 && on.totals().total_malloced > 4 * kMiB; ++turns) {
    on.store.maintain(on.now);
    on.next_batch();
  }
  CHECK(on.totals().huge_page_bytes < whole / 2);
  CHECK(resident_kib() + 12 * 1024 < before_kib);
  REQUIRE(on.store.set_memory_limit(64 * kMiB, on.now));
  for (int i = 0; i < kItems; ++i) REQUIRE(on.set(numbered("key", i), value_at(i)));
  if (!collapse_all(on.store)) return;
  CHECK(on.totals().huge_page_bytes + 2 * kHugePageBytes >= whole);
  for (int i = 0; i < kItems; ++i) REQUIRE(on.get(numbered("key", i)) == value_at(i));
  CHECK(on.store.check_integrity().empty());
}

}  // namespace ringcache::store
