// Memory is made ready ahead of its use: so much, so far, and no further than may be used.
#include "store/huge_pages.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "store/hash_table.h"
#include "store/region.h"
#include "store/slab.h"

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

constexpr std::size_t kHalf = kHugePageBytes / 2;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Of this process, in KiB.
std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6));
  }
  return 0;
}

// A mapping with a line of its own in /proc/self/smaps for each piece that is told something else.
bool has_flag(const char* at, const std::string& flag) {
  std::ifstream maps("/proc/self/smaps");
  bool is_here = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      const auto address = reinterpret_cast<unsigned long>(at);
      is_here = begin <= address && address < end;
    }
    if (is_here && line.starts_with("VmFlags:")) return line.find(' ' + flag) != std::string::npos;
  }
  return false;
}

std::size_t resident_pages(char* at, std::size_t bytes) {
  std::vector<unsigned char> pages(bytes / 4096);
  REQUIRE(mincore(at, bytes, pages.data()) == 0);
  return static_cast<std::size_t>(std::count_if(
      pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; }));
}

// A store that says when it grows, and what makes its memory ready.
struct Growing {
  explicit Growing(std::size_t mib) : on(options(mib)) {}
  StoreOptions options(std::size_t mib) {
    StoreOptions options;
    options.memory_bytes = mib * kMiB;
    options.growth = &growth;
    return options;
  }
  // Items of about 150 bytes; each told growth is followed at once.
  void fill(int items) {
    for (int i = 0; i < items; ++i) {
      REQUIRE(on.set(numbered("key", i), std::string(100, 'v')));
      if (growth == followed) continue;
      followed = growth;
      while (on.store.prepare_memory() == PrepareStatus::kPrepared) ++prepared;
    }
  }

  GrowthCount growth{0};
  std::uint32_t followed = 0;
  std::size_t prepared = 0;
  StoreFixture on;
};

}  // namespace

TEST_CASE("the next 2 MiB are made ready when the middle of those in use is passed, once") {
  PreparedMemory memory(nullptr);
  constexpr std::size_t kLimit = 4 * kHugePageBytes;
  CHECK_FALSE(memory.next(0, kLimit));
  CHECK_FALSE(memory.next(kHalf - 1, kLimit));
  CHECK(memory.next(kHalf, kLimit) == 1);
  CHECK_FALSE(memory.next(kHalf, kLimit));
  CHECK_FALSE(memory.next(kHugePageBytes, kLimit));
  CHECK(memory.bytes() == 2 * kHugePageBytes);
  // What was used faster than that is left as it is.
  CHECK(memory.next(2 * kHugePageBytes + kHalf, kLimit) == 3);
  CHECK_FALSE(memory.next(3 * kHugePageBytes + kHalf, kLimit));  // nothing is behind
  memory.gave_back(2 * kHugePageBytes);
  CHECK(memory.next(kHugePageBytes + kHalf, kLimit) == 2);
}

TEST_CASE("a part of 2 MiB at the end of what may be used is not touched") {
  PreparedMemory memory(nullptr);
  CHECK_FALSE(memory.next(kHalf, 2 * kHugePageBytes - 1));
  CHECK(memory.next(kHalf, 2 * kHugePageBytes) == 1);
}

TEST_CASE("growth is told at each middle") {
  GrowthCount growth{0};
  PreparedMemory memory(&growth);
  memory.grew(0, kHalf - 1);
  CHECK(growth == 0);
  memory.grew(kHalf - 1, kHalf);
  CHECK(growth == 1);
  memory.grew(kHalf, kHugePageBytes + kHalf - 1);
  CHECK(growth == 1);
  memory.grew(kHugePageBytes, 3 * kHugePageBytes);
  CHECK(growth == 2);
}

TEST_CASE("a store is ready for what comes next, and for no more than it may hold") {
  constexpr std::size_t kMib = 32;
  const std::size_t before_kib = resident_kib();
  Growing test(kMib);
  CHECK(test.on.store.prepare_memory() == PrepareStatus::kNothing);
  test.fill(100'000);  // some 14 MiB, and 1.4 MB of the table
  if (!can_prepare()) return;
  const StoreTotals totals = test.on.totals();
  const std::size_t used = totals.total_malloced + totals.hash_bytes;
  CHECK(test.prepared >= totals.total_malloced / kHugePageBytes - 1);
  CHECK(test.prepared <= used / kHugePageBytes + 2);
  if (!kSanitized) {  // which keeps memory of its own, and freed memory
    const std::size_t held_kib = resident_kib() - before_kib;
    CHECK(held_kib <= (used + 2 * (kHugePageBytes + kHalf)) / 1024 + 2 * 1024);
  }
  // Full: everything may be used by now.
  test.fill(400'000);
  CHECK(test.on.totals().evictions > 0);
  CHECK(test.prepared <= (kMib * kMiB + test.on.totals().hash_bytes) / kHugePageBytes + 1);
  CHECK(test.on.get(numbered("key", 399'999)) == std::string(100, 'v'));
  CHECK(test.on.store.check_integrity().empty());
}

TEST_CASE("within a small -m the table takes nothing for what it may never need") {
  const auto items_with = [](bool prepares) {
    StoreOptions options;
    options.memory_bytes = 16 * kMiB;
    options.count_table = true;
    StoreFixture on(options);
    for (int i = 0; i < 300'000; ++i) {
      REQUIRE(on.set(numbered("key", i), std::string(100, 'v')));
      if (prepares && i % 1000 == 0) on.store.prepare_memory();
    }
    return on.totals().curr_items;
  };
  CHECK(items_with(true) >= items_with(false) * 97 / 100);
}

TEST_CASE("memory has no huge pages but those that are asked for") {
  const Mapping mapping(3 * kHugePageBytes);
  *mapping.data() = 'x';
  const bool has_huge_pages = mapping.prefer_huge_pages();
  CHECK(has_flag(mapping.data(), "nh") != has_huge_pages);
  if (!has_huge_pages) return;
  const Mapping other(3 * kHugePageBytes);
  CHECK(has_flag(other.data(), "nh"));
}

TEST_CASE("memory that is given back goes, ready or used, and is used again") {
  Growing test(64);
  test.fill(250'000);
  const std::size_t before_kib = resident_kib();
  REQUIRE(test.on.store.set_memory_limit(4 * kMiB, test.on.now));
  for (int turns = 0; turns < 1000 && test.on.totals().total_malloced > 4 * kMiB; ++turns) {
    test.on.store.maintain(test.on.now);
    test.on.next_batch();
  }
  if (!kSanitized) CHECK(resident_kib() + 24 * 1024 < before_kib);
  REQUIRE(test.on.store.set_memory_limit(64 * kMiB, test.on.now));
  test.fill(250'000);
  CHECK(test.on.totals().curr_items == 250'000);
  CHECK(test.on.store.check_integrity().empty());
}

TEST_CASE("a range is made ready as a whole, and asks for no huge page afterwards") {
  if (!can_prepare()) return;
  Mapping mapping(3 * kHugePageBytes);
  char* at = mapping.data() + kHugePageBytes;
  CHECK(prepare_huge_page(at, HugePageUse::kOnce) == PrepareStatus::kPrepared);
  CHECK(resident_pages(mapping.data(), 3 * kHugePageBytes) == kHugePageBytes / 4096);
  CHECK_FALSE(has_flag(at, "hg"));
  // So what is given back in pieces stays given back.
  mapping.release(kHugePageBytes, kHugePageBytes);
  *at = 'x';
  CHECK(resident_pages(at, kHugePageBytes) == 1);

  const bool has_huge_pages = mapping.prefer_huge_pages();
  CHECK(prepare_huge_page(at, HugePageUse::kAlways) == PrepareStatus::kPrepared);
  CHECK(has_flag(at, "hg") == has_huge_pages);
}

TEST_CASE("a table that shrinks gives back what was ready behind what it used, and counts it") {
  if (!can_prepare()) return;
  HashTable table(1'000'000);
  std::uint64_t next = 0;
  const auto hash_of = [](std::uint64_t number) { return number * 0x9E3779B97F4A7C15; };
  const auto grow_to = [&](std::size_t bytes) {
    for (; table.bucket_count() * 64 < bytes; ++next) {
      table.insert(hash_of(next), static_cast<ChunkRef>(next + 1));
    }
  };
  grow_to(kHugePageBytes + kHalf);
  const std::size_t before = table.held_bytes();
  CHECK(before == table.bytes());
  char* ready = table.next_to_prepare();
  REQUIRE(ready != nullptr);
  CHECK(table.held_bytes() == before + kHugePageBytes + kHalf);
  REQUIRE(prepare_huge_page(ready, HugePageUse::kOnce) == PrepareStatus::kPrepared);
  CHECK(resident_pages(ready - kHugePageBytes, kHugePageBytes) > 0);
  while (next > 0) {
    --next;
    table.erase(hash_of(next), static_cast<ChunkRef>(next + 1));
  }
  CHECK(resident_pages(ready - kHugePageBytes, 2 * kHugePageBytes) == 0);
  // The first 2 MiB stay.
  CHECK(table.held_bytes() == table.bytes() + kHugePageBytes - table.bucket_count() * 64);
}

TEST_CASE("a page limit that shrinks leaves what is ready next alone, and gives the far end back") {
  if (!can_prepare()) return;
  StoreOptions options;
  options.memory_bytes = 16 * kMiB;
  options.page_bytes = 64 * 1024;
  Region region(options.memory_bytes);
  SlabAllocator slabs(region, options, 256);
  for (int page = 0; page < 16; ++page) REQUIRE(slabs.add_page(0));  // 1 MiB
  char* ready = slabs.next_to_prepare();
  REQUIRE(ready == region.memory(kHugePageBytes));
  REQUIRE(prepare_huge_page(ready, HugePageUse::kOnce) == PrepareStatus::kPrepared);
  slabs.set_page_limit(255);
  slabs.set_page_limit(64);  // 4 MiB
  CHECK(resident_pages(ready, kHugePageBytes) == kHugePageBytes / 4096);
  slabs.set_page_limit(48);
  CHECK(resident_pages(ready, kHugePageBytes) == kHugePageBytes / 2 / 4096);
  CHECK(slabs.pool_pages() == 32);
  CHECK(slabs.parked_pages() == 0);
  slabs.set_page_limit(8);
  CHECK(resident_pages(ready, kHugePageBytes) == 0);
  CHECK(slabs.pool_pages() == 0);
  CHECK_FALSE(slabs.add_page(0));
  slabs.set_page_limit(256);
  CHECK(slabs.pool_pages() == 240);
  CHECK(slabs.next_to_prepare() == ready);
}

}  // namespace ringcache::store
