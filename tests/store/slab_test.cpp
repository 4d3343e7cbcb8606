#include "store/slab.h"

#include <doctest/doctest.h>

#include <set>

namespace ringcache::store {
namespace {

StoreOptions with_memory(std::size_t bytes) {
  StoreOptions options;
  options.memory_bytes = bytes;
  options.page_bytes = default_page_bytes(bytes);
  options.growth_factor = default_growth_factor(bytes);
  return options;
}

}  // namespace

TEST_CASE("the item header has the size and order that its drawing says") {
  CHECK(sizeof(Item) == 24);
  CHECK(Item::header_bytes(false, false) == 24);
  CHECK(Item::header_bytes(false, true) == 28);
  CHECK(Item::header_bytes(true, false) == 36);
  CHECK(Item::header_bytes(true, true) == 40);
  CHECK(offsetof(Item, cas) == 0);
  CHECK(offsetof(Item, expiry) == 8);
  CHECK(offsetof(Item, access) == 12);
  CHECK(offsetof(Item, size) == 16);
  CHECK(offsetof(Item, recency) == 20);
  CHECK(offsetof(Item, key_bytes) == 22);
  CHECK(offsetof(Item, state) == 23);
}

TEST_CASE("page size follows the memory") {
  CHECK(default_page_bytes(kMiB) == 16 * 1024);
  CHECK(default_page_bytes(2 * kMiB) == 32 * 1024);
  CHECK(default_page_bytes(64 * kMiB) == 32 * 1024);
  CHECK(default_page_bytes(256 * kMiB) == 128 * 1024);
  CHECK(default_page_bytes(2048 * kMiB) == kMiB);
  CHECK(default_page_bytes(std::size_t{100} << 30) == kMiB);
}

TEST_CASE("chunk sizes are aligned, grow, waste little of a page and leave room for every class") {
  for (const std::size_t mib : {1, 2, 5, 64, 256, 4096}) {
    for (const double factor : {1.01, 1.05, 1.25, 2.0}) {
      CAPTURE(mib);
      CAPTURE(factor);
      StoreOptions options = with_memory(mib * kMiB);
      options.growth_factor = factor;
      const std::vector<std::size_t> sizes = chunk_sizes(options, 8);
      REQUIRE(sizes.size() <= kClassesMax);
      CHECK(sizes.size() <= options.memory_bytes / options.page_bytes / 2);
      CHECK(sizes.front() >= options.chunk_bytes_min);
      CHECK(sizes.back() == options.page_bytes / 8);
      for (std::size_t at = 0; at < sizes.size(); ++at) {
        CHECK(sizes[at] % 8 == 0);
        if (at > 0) CHECK(sizes[at] > sizes[at - 1]);
        const std::size_t chunks = options.page_bytes / sizes[at];
        CHECK(options.page_bytes - chunks * sizes[at] < 8 * chunks);
      }
    }
  }
}

TEST_CASE("an allocator hands out disjoint chunks and takes whole pages back") {
  const StoreOptions options = with_memory(kMiB);
  Region region(options.memory_bytes);
  SlabAllocator slabs(region, options, 64);
  CHECK(slabs.pool_pages() == 64);
  CHECK(slabs.class_for(slabs.room_max()) == slabs.class_count() - 1);
  CHECK(slabs.class_for(slabs.room_max() + 1) == kNoClass);

  const ClassIndex small = slabs.class_for(100);
  CHECK(slabs.slab_class(small).chunk_bytes >= 100);
  CHECK(slabs.slab_class(small - 1).chunk_bytes < 100);
  CHECK(slabs.take(small) == kNoChunk);
  std::set<ChunkRef> taken;
  const std::uint32_t wanted = slabs.slab_class(small).chunks_per_page * 2 + 1;
  while (taken.size() < wanted) {
    ChunkRef ref = slabs.take(small);
    if (ref == kNoChunk) {
      REQUIRE(slabs.add_page(small));
      ref = slabs.take(small);
    }
    REQUIRE(taken.insert(ref).second);
    CHECK(slabs.class_of(ref) == small);
    CHECK(slabs.room(ref) == slabs.slab_class(small).chunk_bytes);
    slabs.settle(ref);
  }
  CHECK(slabs.slab_class(small).pages.size() == 3);
  CHECK(slabs.slab_class(small).used == wanted);
  std::size_t previous = 0;
  for (const ChunkRef ref : taken) {
    if (previous != 0) CHECK(region.offset(ref) >= previous + slabs.slab_class(small).chunk_bytes);
    previous = region.offset(ref);
  }
  for (const ChunkRef ref : taken) slabs.give(ref);
  CHECK(slabs.slab_class(small).pages.empty());
  CHECK(slabs.pool_pages() == 64);
}

TEST_CASE("a draining page takes no new items and leaves when the last is gone") {
  const StoreOptions options = with_memory(kMiB);
  Region region(options.memory_bytes);
  SlabAllocator slabs(region, options, 64);
  REQUIRE(slabs.add_page(0));
  const ChunkRef first = slabs.take(0);
  const ChunkRef second = slabs.take(0);
  slabs.settle(first);
  slabs.settle(second);
  slabs.drain(slabs.page_of(first));
  CHECK(slabs.take(0) == kNoChunk);
  slabs.give(first);
  CHECK(slabs.take(0) == kNoChunk);
  CHECK(slabs.pool_pages() == 63);
  slabs.give(second);
  CHECK(slabs.pool_pages() == 64);
}

}  // namespace ringcache::store
