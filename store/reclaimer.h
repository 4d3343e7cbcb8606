// From unlinked to free: holds chunks back until no reader can see them.
//
//   retire -> limbo (FIFO, each with the epoch it was retired in) --all readers passed--> free
//                                                         \--an ItemRef left--> pinned --> free
//
// All under the arena's lock. A thread that frees memory for itself holds no views (store.h says
// when they die), so its own announcement is left out: `self`.
//
// A continuation whose bytes were moved to another chunk is retired by itself. It can still be seen
// through an ItemRef of its item, so it waits for the pins of the head that it names; that head may
// have been freed and used again since, and then it waits for somebody else's pins, which does no
// harm.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/epoch.h"
#include "store/fifo.h"
#include "store/item.h"
#include "store/region.h"
#include "store/slab.h"

namespace ringcache::store {

class Reclaimer {
 public:
  Reclaimer(Region& region, SlabAllocator& slabs) : region_(region), slabs_(slabs) {}

  const std::atomic<Epoch>& epoch() const { return epoch_; }
  void add_thread(const EpochSlot* slot) { slots_.push_back(slot); }
  void remove_thread(const EpochSlot* slot) { std::erase(slots_, slot); }

  // An item that was just unlinked, with its chain.
  void retire(Item& item);
  // A continuation that its chain no longer names.
  void retire(Continuation& chunk);
  // An item that never was linked: its chunks are free at once.
  void free_unlinked(Item& item);
  // Frees what every reader has passed, and some of what is no longer pinned.
  void reclaim(const EpochSlot* self);
  // Waits until every reader has passed what is in limbo now, and frees it. Readers' batches are
  // short, and a thread that waits for the lock has withdrawn, so this ends soon.
  void wait_and_reclaim(const EpochSlot* self);

  // Chunks of the class that will be free once readers have passed.
  std::size_t waiting(ClassIndex at) const { return waiting_[at]; }
  std::size_t chunks() const { return chunks_; }  // in limbo or pinned, all classes
  std::size_t bytes() const { return limbo_.bytes() + pinned_.bytes(); }  // of the queues
  std::uint64_t waits() const { return waits_; }

  // For tests: visits every continuation that waits by itself.
  template <typename Visit>
  void for_each_continuation(const Visit& visit) const {
    const auto visit_one = [&](const Retired& retired) {
      if (retired.continuation) visit(retired.ref);
    };
    limbo_.for_each(visit_one);
    pinned_.for_each(visit_one);
  }

 private:
  struct Retired {
    ChunkRef ref = kNoChunk;
    std::uint32_t epoch = 0;  // 32 bits of it: limbo never holds anything for 2^31 epochs
    bool continuation = false;
  };
  void count_waiting(ChunkRef ref);
  Epoch oldest_reader(const EpochSlot* self) const;
  bool is_pinned(const Retired& retired) const;
  void release(const Retired& retired);
  void release_unpinned(std::size_t tries);
  template <typename Visit>
  void for_each_chunk_of(const Retired& retired, const Visit& visit);

  Region& region_;
  SlabAllocator& slabs_;
  std::vector<const EpochSlot*> slots_;
  std::atomic<Epoch> epoch_{1};
  Fifo<Retired> limbo_{64};
  Fifo<Retired> pinned_{16};
  std::size_t chunks_ = 0;
  std::array<std::size_t, kClassesMax> waiting_{};
  std::uint64_t waits_ = 0;
};

// Calls visit(reference) for the head chunk and every continuation chunk. The visitor may overwrite
// the chunk that it is given.
template <typename Visit>
void for_each_chunk(const Region& region, Item& item, const Visit& visit) {
  ChunkRef ref = item.chain();
  visit(region.ref(&item));
  while (ref != kNoChunk) {
    const ChunkRef next = region.continuation(ref)->next_chunk();
    visit(ref);
    ref = next;
  }
}

}  // namespace ringcache::store
