#include "store/reclaimer.h"

#include <algorithm>
#include <thread>

namespace ringcache::store {
namespace {

// Pinned items looked at by one reclaim: enough to keep up, few enough not to matter when thousands
// of slow clients hold one each.
constexpr std::size_t kPinnedTries = 4;

bool is_pinned(const Item& item) {
  // Acquire: what was read through the pin happened before the chunk is used again.
  return item.large() && item.extension().pins.load(std::memory_order_acquire) != 0;
}

}  // namespace

void Reclaimer::push(Queue& queue, Item& item) {
  const ChunkRef ref = region_.ref(&item);
  item.next = kNoChunk;
  (queue.last == kNoChunk ? queue.first : region_.item(queue.last)->next) = ref;
  queue.last = ref;
}

Item* Reclaimer::pop(Queue& queue) {
  Item* item = region_.item(queue.first);
  queue.first = item->next;
  if (queue.first == kNoChunk) queue.last = kNoChunk;
  return item;
}

void Reclaimer::retire(Item& item) {
  item.place.store(Place::kLimbo, std::memory_order_relaxed);
  // 32 bits of the epoch: limbo never holds anything for 2^31 epochs.
  item.prev = static_cast<ChunkRef>(epoch_.load(std::memory_order_relaxed));
  push(limbo_, item);
  for_each_chunk(region_, item, [&](ChunkRef ref) {
    ++waiting_[slabs_.class_of(ref)];
    ++chunks_;
  });
}

void Reclaimer::free_unlinked(Item& item) {
  for_each_chunk(region_, item, [&](ChunkRef ref) {
    slabs_.settle(ref);
    slabs_.give(ref);
  });
}

Epoch Reclaimer::oldest_reader(const EpochSlot* self) const {
  Epoch oldest = epoch_.load(std::memory_order_relaxed);
  for (const EpochSlot* slot : slots_) {
    if (slot == self) continue;
    const Epoch announced = slot->announced();
    if (announced != kNoEpoch) oldest = std::min(oldest, announced);
  }
  return oldest;
}

void Reclaimer::reclaim(const EpochSlot* self) {
  if (limbo_.first != kNoChunk) {
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    const auto oldest = static_cast<std::uint32_t>(oldest_reader(self));
    while (limbo_.first != kNoChunk) {
      const std::uint32_t retired = region_.item(limbo_.first)->prev;
      if (static_cast<std::int32_t>(oldest - retired) <= 0) break;
      release(*pop(limbo_));
    }
  }
  release_unpinned(kPinnedTries);
}

void Reclaimer::wait_and_reclaim(const EpochSlot* self) {
  if (limbo_.first != kNoChunk) {
    ++waits_;
    const Epoch passed = epoch_.fetch_add(1, std::memory_order_seq_cst) + 1;
    while (oldest_reader(self) < passed) std::this_thread::yield();
    reclaim(self);
  }
  release_unpinned(pinned_count_);
}

void Reclaimer::release(Item& item) {
  for_each_chunk(region_, item, [&](ChunkRef ref) { --waiting_[slabs_.class_of(ref)]; });
  if (is_pinned(item)) {
    item.place.store(Place::kPinned, std::memory_order_relaxed);
    push(pinned_, item);
    ++pinned_count_;
    return;
  }
  for_each_chunk(region_, item, [&](ChunkRef ref) {
    --chunks_;
    slabs_.give(ref);
  });
}

void Reclaimer::release_unpinned(std::size_t tries) {
  for (tries = std::min(tries, pinned_count_); tries > 0; --tries) {
    Item* item = pop(pinned_);
    if (is_pinned(*item)) {
      push(pinned_, *item);
      continue;
    }
    --pinned_count_;
    for_each_chunk(region_, *item, [&](ChunkRef ref) {
      --chunks_;
      slabs_.give(ref);
    });
  }
}

}  // namespace ringcache::store
