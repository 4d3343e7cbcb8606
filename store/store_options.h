// What can be set about a store. Each field: default, unit, trade-off. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "store/expiry.h"
#include "store/huge_pages.h"

namespace ringcache::store {

class EvictionSink;

inline constexpr std::size_t kMiB = std::size_t{1} << 20;
inline constexpr std::size_t kMemoryBytesMin = kMiB;
inline constexpr std::size_t kItemBytesMaxLimit = std::size_t{1} << 30;  // -I 1g

enum class EvictionKind : std::uint8_t {
  kHitDensity,    // the item that brings the fewest hits for its bytes (hit_density.h)
  kSegmentedLru,  // memcached's hot, warm and cold lists (segmented_lru.h); 8 bytes more an item
};

// What memcached's `lru tune`, `lru mode` and `lru temp_ttl` change, too.
struct LruTuning {
  // Shares of a class that its hot and warm lists may hold, in percent (hot_lru_pct, warm_lru_pct),
  // together at most 80. The rest is the cold list, from which items are evicted. More
  // hot protects new items longer, more warm those that were read twice.
  unsigned hot_percent = 20;
  unsigned warm_percent = 40;
  // An item of hot or warm that was not read for this part of the age of cold's oldest moves on
  // although its list is within its share (hot_max_factor, warm_max_factor).
  double hot_age_factor = 0.2;
  double warm_age_factor = 2.0;
  // Items that are stored to expire within this many seconds are not evicted before others; empty:
  // no such list.
  std::optional<Seconds> temporary_ttl;
  // One list instead of three.
  bool flat = false;

  bool operator==(const LruTuning&) const = default;
};

constexpr bool is_valid(const LruTuning& tuning) {
  return tuning.hot_percent <= 80 && tuning.warm_percent <= 80 &&
         tuning.hot_percent + tuning.warm_percent <= 80 && tuning.hot_age_factor > 0 &&
         tuning.warm_age_factor > 0;
}

struct StoreOptions {
  // Bytes of slab pages (-m), rounded down to whole pages. Every item lives in them and they are
  // never exceeded. The hash table (about 14 bytes an item) and 10 KiB a StoreThread come on top;
  // Store::stats() reports each. At least kMemoryBytesMin.
  std::size_t memory_bytes = 64 * kMiB;

  // What memory_bytes may be raised to later (cache_memlimit); address space for as much is
  // reserved. 0 = memory_bytes.
  std::size_t memory_bytes_max = 0;

  // Whether the hash table's bytes are taken from memory_bytes, so that the two together stay
  // within it: fewer items, and a bound that has nothing to be added for each of them.
  bool count_table = false;

  // Largest item in bytes, header and key included (-I). 1 KiB to kItemBytesMaxLimit; an item also
  // has to fit into half of memory_bytes. Larger admits larger values, each of which may evict many
  // small ones.
  std::size_t item_bytes_max = kMiB;

  // Bytes of a slab page, a power of two from 16 KiB to 1 MiB; 0 = memory_bytes / 2048, at least 32
  // KiB (16 KiB below 2 MiB of memory). Small pages follow a change of item sizes in small steps;
  // large ones lose less at their end and allow larger unchained items (an eighth of a page).
  std::size_t page_bytes = 0;

  // Ratio of one chunk size to the next (-f), 1.01 to 4; 0 = 1.05, or 1.08 below 128 MiB. Smaller
  // wastes less at the end of each item (half of the step on average) but spreads the pages over
  // more classes. It is raised when memory_bytes has too few pages for the classes.
  double growth_factor = 0;

  // Bytes of the smallest chunk, 48 to 1024, header (24) included. Items that are smaller waste the
  // difference; a smaller value adds classes.
  std::size_t chunk_bytes_min = 64;

  // Smallest value in bytes that can be pinned by an ItemRef; others are copied. Pinnable items
  // have a header longer by 12 bytes.
  std::size_t pin_bytes_min = 8192;

  // Evict the least recently used items when memory is full (the opposite of -M). Without, a store
  // that finds no room fails with kNoMemory.
  bool evict = true;

  // Told of each item that is evicted (eviction_sink.h); nullptr = nobody. Must outlive the store.
  EvictionSink* eviction_sink = nullptr;
  // Counted up and notified when Store::prepare_memory has something to do; nullptr = nobody waits
  // for it. Must outlive the store.
  GrowthCount* growth = nullptr;

  // Who leaves when memory is full (-o eviction=).
  EvictionKind eviction = EvictionKind::kHitDensity;

  // Of kSegmentedLru; the others have nothing to tune.
  LruTuning lru;

  // Whether pages move to the classes in which they bring more hits (slab_automove). A class that
  // has nothing at all takes a page in any case.
  bool automove = true;

  // Seed of the hash of keys. Make it random, so that no client can aim at one bucket.
  std::uint64_t hash_seed = 0;

  // Most StoreThreads alive at once: 1 to 1024. Each costs a cache line more to look at when memory
  // is reclaimed.
  unsigned threads_max = 128;
};

}  // namespace ringcache::store
