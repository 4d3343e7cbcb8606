#include "store/hit_density.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

StoreOptions with_memory(std::size_t mib) {
  StoreOptions options;
  options.memory_bytes = mib * kMiB;
  options.eviction = EvictionKind::kHitDensity;
  options.hash_seed = 7;
  return options;
}

// A small cache beside a database: a read that misses stores.
struct Cache : StoreFixture {
  using StoreFixture::StoreFixture;
  bool read(std::uint64_t key, std::size_t bytes) {
    const std::string name = numbered("key:", key);
    if (thread.get(store.hashed(name), now)) return true;
    REQUIRE(set(name, std::string(bytes, 'v')));
    return false;
  }
};

struct OneClass {
  OneClass() : policy({region, slabs, clock, options}, 0) { REQUIRE(slabs.add_page(0)); }

  Item& add(unsigned reads) {
    const ChunkRef ref = slabs.take(0);
    slabs.settle(ref);
    Item& item = *region.item(ref);
    item.size = 8;
    item.key_bytes = 8;
    item.set_generation(0, 10);
    item.recency = clock.fresh(reads);
    policy.on_insert(item);
    return item;
  }
  void pass(std::uint32_t ticks, Seconds now) {
    for (std::uint32_t tick = 0; tick < ticks; ++tick) {
      clock.stored(options.memory_bytes / AccessClock::kTicksPerTurnover, now);
    }
  }

  StoreOptions options = [] {
    StoreOptions made = with_memory(1);
    made.page_bytes = default_page_bytes(made.memory_bytes);
    made.growth_factor = default_growth_factor(made.memory_bytes);
    return made;
  }();
  Region region{kMiB};
  SlabAllocator slabs{region, options, 64};
  AccessClock clock{kMiB};
  HitDensity policy;
};

}  // namespace

TEST_CASE("an age is counted in ticks, and in seconds when the ticks have gone round") {
  OneClass one;
  const Item& item = one.add(3);
  CHECK(AccessClock::reads(item) == 3);
  CHECK(one.clock.age(item, 10) == 0);
  one.pass(100, 11);
  CHECK(one.clock.age(item, 11) == 100);
  one.pass(AccessClock::kAgeMax - 101, 20);
  CHECK(one.clock.age(item, 20) == AccessClock::kAgeMax - 1);
  one.pass(AccessClock::kTicks, 30);
  CHECK(one.clock.age(item, 30) >= AccessClock::kAgeMax);
  one.pass(AccessClock::kTicks * 5, 40);
  CHECK(one.clock.age(item, 40) >= AccessClock::kAgeMax);
}

TEST_CASE("reads are counted up to a limit, and a read that changes nothing writes nothing") {
  OneClass one;
  Item& item = one.add(0);
  for (int read = 0; read < 40; ++read) one.clock.mark_read(item);
  CHECK(AccessClock::reads(item) == AccessClock::kReadsMax);
  const std::uint16_t before = item.recency;
  one.clock.mark_read(item);
  CHECK(item.recency == before);
  one.pass(1, 10);
  one.clock.mark_read(item);
  CHECK(item.recency != before);
}

TEST_CASE("the victim is old and little read") {
  OneClass one;
  Item* old = &one.add(0);
  one.pass(40, 11);
  for (int more = 0; more < 7; ++more) one.add(15);
  one.pass(40, 12);
  // Drawn at random: sooner or later, and from then on.
  for (int draws = 0; draws < 50; ++draws) one.policy.victim(12);
  CHECK(one.policy.victim(12) == old);
  one.policy.refresh(*old, 12);
  CHECK(one.policy.victim(12) != old);
}

TEST_CASE("a victim is found as long as one item is linked, wherever it is") {
  OneClass one;
  std::vector<Item*> items;
  const std::uint32_t chunks = one.slabs.slab_class(0).chunks_per_page;
  for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) items.push_back(&one.add(0));
  while (items.size() > 1) {
    Item* victim = one.policy.victim(10);
    REQUIRE(victim != nullptr);
    REQUIRE(victim->linked());
    one.policy.on_remove(*victim);
    victim->state.set_place(Place::kLimbo);
    std::erase(items, victim);
  }
  for (int tries = 0; tries < 20; ++tries) CHECK(one.policy.victim(10) == items[0]);
  one.policy.on_remove(*items[0]);
  items[0]->state.set_place(Place::kLimbo);
  CHECK(one.policy.victim(10) == nullptr);
}

TEST_CASE("what is read often survives a scan of ten times the memory") {
  Cache cache(with_memory(2));
  for (int round = 0; round < 4; ++round) {
    for (std::uint64_t key = 0; key < 2000; ++key) cache.read(key, 300);
  }
  for (std::uint64_t scanned = 0; scanned < 60'000; ++scanned) {
    cache.read(1'000'000 + scanned, 300);
    if (scanned % 4 == 0) cache.read(scanned / 4 % 2000, 300);
    if (scanned % 1000 == 0) cache.next_batch();
  }
  int kept = 0;
  for (std::uint64_t key = 0; key < 2000; ++key) {
    if (cache.get(numbered("key:", key)) != "(miss)") ++kept;
  }
  CHECK(kept > 1950);
  CHECK(cache.store.check_integrity() == "");
}

TEST_CASE("memory goes to the sizes that bring more hits for it") {
  Cache cache(with_memory(2));
  std::uint64_t random = 1;
  const auto next = [&] { return random = random * 6364136223846793005 + 1442695040888963407; };
  int small_hits = 0;
  for (int request = 0; request < 200'000; ++request) {
    const bool hit = cache.read((next() >> 33) % 8000, 100);  // 1.2 MB of small values
    if (request >= 100'000 && hit) ++small_hits;
    if (request % 10 == 0) cache.read(100'000 + (next() >> 33) % 2000, 4000);  // 8 MB of large ones
    if (request % 100 == 0) cache.next_batch();
  }
  CHECK(small_hits > 95'000);
  CHECK(cache.totals().slabs_moved > 10);
  CHECK(cache.totals().items_moved > 10);
  CHECK(cache.store.check_integrity() == "");
}

TEST_CASE("a key that was evicted and comes back is known to have been read") {
  Cache cache(with_memory(2));
  // A loop over 1.3 times the memory: without memory of what was evicted nothing would ever be
  // read.
  int hits = 0;
  for (int round = 0; round < 30; ++round) {
    for (std::uint64_t key = 0; key < 8000; ++key) {
      if (cache.read(key, 250) && round >= 20) ++hits;
      if (key % 100 == 0) cache.next_batch();
    }
  }
  CHECK(hits > 80'000 / 3);
  CHECK(cache.store.check_integrity() == "");
}

}  // namespace ringcache::store
