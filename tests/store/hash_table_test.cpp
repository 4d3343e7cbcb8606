#include "store/hash_table.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <vector>

namespace ringcache::store {
namespace {

ChunkRef find(const HashTable& table, std::uint64_t hash, ChunkRef ref) {
  return table.find(hash, [&](ChunkRef found) { return found == ref; });
}

}  // namespace

TEST_CASE("a table grows by a bucket at a time, keeps everything, and shrinks again") {
  constexpr ChunkRef kEntries = 200000;
  HashTable table(kEntries);
  std::mt19937_64 random(5);
  std::vector<std::uint64_t> hashes(kEntries + 1);
  const std::size_t buckets_at_start = table.bucket_count();
  for (ChunkRef ref = 1; ref <= kEntries; ++ref) {
    hashes[ref] = random();
    const std::size_t before = table.bucket_count();
    table.insert(hashes[ref], ref);
    REQUIRE(table.bucket_count() - before <= 1);
    if (ref % 1000 == 0) {
      for (int probe = 0; probe < 100; ++probe) {
        const auto some = static_cast<ChunkRef>(1 + random() % ref);
        REQUIRE(find(table, hashes[some], some) == some);
      }
    }
  }
  CHECK(table.size() == kEntries);
  CHECK(table.bucket_count() >= kEntries / 6);
  CHECK(table.bytes() <= std::size_t{15} * kEntries);
  for (ChunkRef ref = 1; ref <= kEntries; ++ref) REQUIRE(find(table, hashes[ref], ref) == ref);
  std::size_t visited = 0;
  table.for_each([&](std::size_t bucket, std::uint32_t tag, ChunkRef ref) {
    ++visited;
    REQUIRE(HashTable::tag(hashes[ref]) == tag);
    REQUIRE(table.entry_belongs(bucket, hashes[ref]));
  });
  CHECK(visited == kEntries);
  for (ChunkRef ref = 1; ref <= kEntries; ++ref) {
    const std::size_t before = table.bucket_count();
    table.erase(hashes[ref], ref);
    REQUIRE(before - table.bucket_count() <= 1);
    REQUIRE(find(table, hashes[ref], ref) == kNoChunk);
  }
  CHECK(table.size() == 0);
  CHECK(table.bucket_count() == buckets_at_start);
  CHECK(table.overflow_count() == 0);
}

TEST_CASE("entries with one and the same hash are all found, replaced and erased") {
  constexpr ChunkRef kSame = 1000;
  HashTable table(kSame * 4);
  constexpr std::uint64_t kHash = 0x123456789ABCDEF0;
  for (ChunkRef ref = 1; ref <= kSame; ++ref) table.insert(kHash, ref);
  for (ChunkRef ref = 1; ref <= kSame; ++ref) REQUIRE(find(table, kHash, ref) == ref);
  CHECK(find(table, kHash, kSame + 1) == kNoChunk);
  table.replace(kHash, 7, kSame + 1);
  CHECK(find(table, kHash, 7) == kNoChunk);
  CHECK(find(table, kHash, kSame + 1) == kSame + 1);
  table.replace(kHash, kSame + 1, 7);
  for (ChunkRef ref = kSame; ref > 0; --ref) {
    table.erase(kHash, ref);
    REQUIRE(find(table, kHash, ref) == kNoChunk);
    if (ref > 1) REQUIRE(find(table, kHash, 1) == 1);
  }
  CHECK(table.overflow_count() == 0);
}

TEST_CASE("random insertions and removals of few distinct hashes agree with a map") {
  HashTable table(100000);
  std::mt19937_64 random(9);
  std::map<ChunkRef, std::uint64_t> model;
  for (int step = 0; step < 60000; ++step) {
    const auto ref = static_cast<ChunkRef>(1 + random() % 5000);
    const auto found = model.find(ref);
    if (found == model.end()) {
      const std::uint64_t hash = (random() % 300) * 0x0101010101010101;
      table.insert(hash, ref);
      model[ref] = hash;
    } else {
      REQUIRE(find(table, found->second, ref) == ref);
      table.erase(found->second, ref);
      model.erase(found);
    }
  }
  CHECK(table.size() == model.size());
  for (const auto& [ref, hash] : model) REQUIRE(find(table, hash, ref) == ref);
}

TEST_CASE("a ghost tells once what it was left, and is in nobody's way") {
  HashTable table(100000);
  std::mt19937_64 random(11);
  std::map<ChunkRef, std::uint64_t> model;
  for (ChunkRef ref = 1; ref <= 20000; ++ref) {
    model[ref] = random();
    table.insert(model[ref], ref);
  }
  const std::size_t buckets = table.bucket_count();
  std::map<ChunkRef, std::uint64_t> gone;
  for (ChunkRef ref = 1; ref <= 2000; ++ref) {
    table.erase_to_ghost(model[ref], ref, ref);
    gone[ref] = model[ref];
    model.erase(ref);
    REQUIRE(find(table, gone[ref], ref) == kNoChunk);
  }
  CHECK(table.size() == model.size());
  std::size_t entries = 0;
  table.for_each([&](std::size_t, std::uint32_t, ChunkRef) { ++entries; });
  CHECK(entries == model.size());
  int kept = 0;
  for (const auto& [ref, hash] : gone) {
    if (ref % 2 != 0) continue;
    const std::uint32_t bits = table.take_ghost(hash);
    CHECK((bits == ref || bits == 0));
    if (bits == ref) ++kept;
    CHECK(table.take_ghost(hash) == 0);
  }
  CHECK(kept > 500);
  // Entries take the ghosts' slots before the table grows for them.
  for (ChunkRef ref = 1; ref <= 2000; ++ref) {
    model[ref] = random();
    table.insert(model[ref], ref);
  }
  CHECK(table.bucket_count() == buckets);
  for (ChunkRef ref = 20001; ref <= 60000; ++ref) {  // and splits lose them, not entries
    model[ref] = random();
    table.insert(model[ref], ref);
  }
  for (const auto& [ref, hash] : model) REQUIRE(find(table, hash, ref) == ref);
  while (!model.empty()) {
    const auto [ref, hash] = *model.begin();
    model.erase(model.begin());
    table.erase_to_ghost(hash, ref, 1);
  }
  CHECK(table.size() == 0);
  CHECK(table.overflow_count() == 0);
}

}  // namespace ringcache::store
