// What the store keeps for one StoreThread: its epoch announcement and its counters. Written by
// that thread alone (so a count is a load and a store, not a locked addition), read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "store/epoch.h"
#include "store/item.h"
#include "store/slab.h"
#include "store/store_stats.h"

namespace ringcache::store {

class Arena;

class Count {
 public:
  void add(std::uint64_t more = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

#define RINGCACHE_FIELD(field, kind, stats_name, metric_name, help) Count field;
struct ThreadCounters {
  RINGCACHE_STORE_THREAD_COUNTERS(RINGCACHE_FIELD)
};
#undef RINGCACHE_FIELD

struct ThreadClassCounters {
  std::array<Count, kListsMax> hits;  // by the list that the item was on
  Count touch_hits;
};

struct ThreadState {
  EpochSlot epoch;
  // What this thread is in a batch of, for whoever has to lock an arena; see ArenaLock.
  const Arena* arena = nullptr;
  ThreadState* outer_batch = nullptr;
  ThreadCounters counters;
  std::array<ThreadClassCounters, kClassesMax> classes;
};

// The batches that the calling thread is in, innermost first: one for each store it uses.
inline thread_local ThreadState* batches_of_this_thread = nullptr;

// The batch in this arena that the calling thread is in, or nullptr.
inline ThreadState* batch_of_this_thread(const Arena& arena) {
  ThreadState* batch = batches_of_this_thread;
  while (batch != nullptr && batch->arena != &arena) batch = batch->outer_batch;
  return batch;
}

}  // namespace ringcache::store
