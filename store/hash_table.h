// The table from hash to chunk: linear hashing over 64-byte buckets.
//
//   bucket, one cache line:   7 entries of 8 bytes | control word
//   entry:                    reference 32 | tag 32     (tag = bits 8 to 39 of the hash; 0 = empty)
//   control word:             version 32 | overflow bucket 32  (0 = none)
//
// A slot that no entry needs may hold a ghost: the tag of an item that was evicted, with a few bits
// (how often it was read) instead of a reference. It costs no memory, is overwritten when its slot
// is needed, and is not in buckets that have an overflow; about one for every four entries.
//
// There are `n` buckets, n from 256 up. A hash belongs to bucket (hash mod 2^k) with 2^k the
// smallest power of two >= n, or, if that bucket does not exist yet, to (hash mod 2^(k-1)). Each
// insertion over the target load adds bucket n and moves about half of bucket n - 2^(k-1) to it: no
// pause, no second table. Removals take buckets away the same way. Bit 8 and above of a hash are in
// the tag, so items are not touched by a split. Buckets lie in an address range reserved at the
// start and touched as they are added.
//
// Threads. Writers hold the arena's lock. find() needs no lock: entries are replaced by one store,
// so whatever it finds was there; only a miss can be wrong, when entries were being moved, and it
// is checked: a bucket's version is odd while its entries move, and the number of buckets is looked
// at again afterwards. Chunks found must be kept from reuse by the caller's epoch.
//
// Source: W. Litwin, "Linear hashing: a new tool for file and table addressing", 1980.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "store/item.h"
#include "store/region.h"

namespace ringcache::store {

class HashTable {
 public:
  // `entries_max`: more than this many are never in the table at once.
  // `growth`: as StoreOptions::growth.
  explicit HashTable(std::size_t entries_max, GrowthCount* growth = nullptr);

  // The first reference under `hash` for which `matches(ref)` is true, or kNoChunk.
  template <typename Matches>
  ChunkRef find(std::uint64_t hash, const Matches& matches) const;

  // Under the lock. REQUIRES: insert - no such entry; replace and erase - the entry is there.
  void insert(std::uint64_t hash, ChunkRef ref);
  void replace(std::uint64_t hash, ChunkRef from, ChunkRef to);
  void erase(std::uint64_t hash, ChunkRef ref);
  // As erase; leaves a ghost if there is room for one. REQUIRES 0 < bits < kGhostBit.
  void erase_to_ghost(std::uint64_t hash, ChunkRef ref, std::uint32_t bits);
  // The bits of the hash's ghost, which is gone then; 0 if there is none.
  std::uint32_t take_ghost(std::uint64_t hash);

  // The bucket's line, and the first item whose tag fits.
  void prefetch(std::uint64_t hash) const;
  ChunkRef guess(std::uint64_t hash) const;

  std::size_t bucket_count() const { return bucket_count_.load(std::memory_order_relaxed); }
  std::size_t overflow_count() const { return overflow_used_ - overflow_free_count_; }
  std::size_t size() const { return size_; }
  // As Mapping's, for the buckets.
  bool prefer_huge_pages() const { return bucket_memory_.prefer_huge_pages(); }
  std::size_t bytes() const { return (bucket_count() + overflow_used_) * sizeof(Bucket); }
  // As bytes(), with what is ready and not used yet.
  std::size_t held_bytes() const {
    return bytes() + prepared_.beyond(bucket_count() * sizeof(Bucket));
  }

  // Under the lock: the 2 MiB that the buckets need next; nullptr: they are ready (huge_pages.h).
  char* next_to_prepare();

  // Under the lock, for tests: visits every entry as (bucket of the hash, tag, reference).
  template <typename Visit>
  void for_each(const Visit& visit) const;
  bool entry_belongs(std::size_t bucket, std::uint64_t hash) const {
    return index(hash, bucket_count()) == bucket;
  }
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 8); }

 private:
  static constexpr std::size_t kEntries = 7;
  static constexpr std::size_t kBucketsMin = 256;  // 2^8: what the tag leaves out
  // Entries in two buckets before one is added: 5.5 a bucket, which is 13.9 to 14.5 bytes an entry,
  // overflow buckets included (6 would be 13.4 to 14.0, with more lookups that need a second line).
  static constexpr std::size_t kLoadMaxOfTwo = 11;
  static constexpr std::size_t kLoadMin = 2;  // entries a bucket before one is taken away

  struct alignas(64) Bucket {
    std::array<std::atomic<std::uint64_t>, kEntries> entries;
    std::atomic<std::uint64_t> control;
  };
  static_assert(sizeof(Bucket) == 64);

  static std::size_t index(std::uint64_t hash, std::size_t buckets) {
    const std::size_t whole = std::bit_ceil(buckets);
    const std::size_t at = hash & (whole - 1);
    return at < buckets ? at : at & (whole / 2 - 1);
  }
  static std::uint64_t entry(std::uint64_t hash, ChunkRef ref) {
    return std::uint64_t{tag(hash)} << 32 | ref;
  }
  static ChunkRef ref_of(std::uint64_t entry) { return static_cast<ChunkRef>(entry); }
  static bool is_ghost(std::uint64_t entry) { return (ref_of(entry) & kGhostBit) != 0; }
  // Neither a ghost nor empty.
  static bool is_entry(std::uint64_t entry) { return entry != 0 && !is_ghost(entry); }
  static std::uint32_t tag_of(std::uint64_t entry) {
    return static_cast<std::uint32_t>(entry >> 32);
  }
  static std::uint32_t version_of(std::uint64_t control) {
    return static_cast<std::uint32_t>(control >> 32);
  }
  static std::uint32_t overflow_of(std::uint64_t control) {
    return static_cast<std::uint32_t>(control);
  }

  Bucket& bucket(std::size_t at) const { return buckets_[at]; }
  Bucket& overflow(std::uint32_t number) const { return overflows_[number - 1]; }
  Bucket* next_in_chain(const Bucket& bucket) const {
    const std::uint32_t number = overflow_of(bucket.control.load(std::memory_order_acquire));
    return number == 0 ? nullptr : &overflow(number);
  }

  // Marks the entries of a chain as moving, for as long as it lives.
  class Moving;

  struct Slot {
    Bucket* bucket;
    std::size_t at;
  };
  Slot locate(std::uint64_t hash, ChunkRef ref) const;
  void add_to_chain(Bucket& first, std::uint64_t entry);
  static bool add_to_bucket(Bucket& bucket, std::uint64_t entry);
  void erased_one();
  void close_hole(Bucket& first, Slot hole);
  void drop_last(Bucket& first);
  std::uint32_t take_overflow();
  void give_overflow(std::uint32_t number);
  void split();
  void split_into_last(Bucket& from, std::size_t half);
  void merge();

  Mapping bucket_memory_;
  Mapping overflow_memory_;
  Bucket* buckets_;
  Bucket* overflows_;
  std::atomic<std::size_t> bucket_count_{kBucketsMin};
  PreparedMemory prepared_;
  std::size_t size_ = 0;
  std::size_t overflow_used_ = 0;    // overflow buckets ever touched
  std::uint32_t overflow_free_ = 0;  // first of those free now
  std::size_t overflow_free_count_ = 0;
};

template <typename Matches>
ChunkRef HashTable::find(std::uint64_t hash, const Matches& matches) const {
  const std::uint32_t wanted = tag(hash);
  for (unsigned tries = 0;; ++tries) {
    if (tries > 16) std::this_thread::yield();  // the writer that moves entries was preempted
    const std::size_t at = index(hash, bucket_count_.load(std::memory_order_acquire));
    const Bucket& first = bucket(at);
    const std::uint32_t version = version_of(first.control.load(std::memory_order_acquire));
    for (const Bucket* here = &first; here != nullptr; here = next_in_chain(*here)) {
      for (const auto& slot : here->entries) {
        const std::uint64_t found = slot.load(std::memory_order_acquire);
        if (tag_of(found) == wanted && is_entry(found) && matches(ref_of(found))) {
          return ref_of(found);
        }
      }
    }
    const std::uint32_t after = version_of(first.control.load(std::memory_order_acquire));
    if (version == after && version % 2 == 0 &&
        index(hash, bucket_count_.load(std::memory_order_acquire)) == at) {
      return kNoChunk;
    }
  }
}

template <typename Visit>
void HashTable::for_each(const Visit& visit) const {
  for (std::size_t at = 0; at < bucket_count(); ++at) {
    for (const Bucket* here = &bucket(at); here != nullptr; here = next_in_chain(*here)) {
      for (const auto& slot : here->entries) {
        const std::uint64_t found = slot.load(std::memory_order_relaxed);
        if (is_entry(found)) visit(at, tag_of(found), ref_of(found));
      }
    }
  }
}

}  // namespace ringcache::store
