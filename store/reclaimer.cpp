#include "store/reclaimer.h"

#include <algorithm>
#include <thread>

namespace ringcache::store {
namespace {

// Pinned items looked at by one reclaim: enough to keep up, few enough not to matter when thousands
// of slow clients hold one each.
constexpr std::size_t kPinnedTries = 4;
// Items released by one reclaim: more are there only after a mass removal, and the lock is held.
constexpr std::size_t kReleasedAtOnce = 512;

bool has_pins(const Item& item) {
  // Acquire: what was read through the pin happened before the chunk is used again.
  return item.large() && item.extension().pins.load(std::memory_order_acquire) != 0;
}

}  // namespace

template <typename Visit>
void Reclaimer::for_each_chunk_of(const Retired& retired, const Visit& visit) {
  if (retired.continuation) {
    visit(retired.ref);
  } else {
    for_each_chunk(region_, *region_.item(retired.ref), visit);
  }
}

void Reclaimer::count_waiting(ChunkRef ref) {
  ++waiting_[slabs_.class_of(ref)];
  ++chunks_;
}

void Reclaimer::retire(Item& item) {
  item.state.set_place(Place::kLimbo);
  limbo_.push({region_.ref(&item), static_cast<std::uint32_t>(epoch_.load()), false});
  for_each_chunk(region_, item, [&](ChunkRef ref) { count_waiting(ref); });
}

void Reclaimer::retire(Continuation& chunk) {
  const ChunkRef ref = region_.ref(&chunk);
  chunk.state.set_place(Place::kLimbo);
  limbo_.push({ref, static_cast<std::uint32_t>(epoch_.load()), true});
  count_waiting(ref);
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
  if (!limbo_.empty()) {
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    const auto oldest = static_cast<std::uint32_t>(oldest_reader(self));
    std::size_t left = kReleasedAtOnce;
    while (left-- > 0 && !limbo_.empty() &&
           static_cast<std::int32_t>(oldest - limbo_.front().epoch) > 0) {
      release(limbo_.pop());
    }
  }
  release_unpinned(kPinnedTries);
}

void Reclaimer::wait_and_reclaim(const EpochSlot* self) {
  if (!limbo_.empty()) {
    ++waits_;
    const Epoch passed = epoch_.fetch_add(1, std::memory_order_seq_cst) + 1;
    while (oldest_reader(self) < passed) std::this_thread::yield();
    while (!limbo_.empty() && static_cast<std::int32_t>(static_cast<std::uint32_t>(passed) -
                                                        limbo_.front().epoch) > 0) {
      release(limbo_.pop());
    }
  }
  release_unpinned(pinned_.size());
}

bool Reclaimer::is_pinned(const Retired& retired) const {
  const Item* item = region_.item(retired.ref);
  if (!retired.continuation) return has_pins(*item);
  const Item& head = *region_.item(region_.continuation(retired.ref)->head);
  const Place place = head.place();
  return (is_linked(place) || place == Place::kLimbo) && has_pins(head);
}

void Reclaimer::release(const Retired& retired) {
  for_each_chunk_of(retired, [&](ChunkRef ref) { --waiting_[slabs_.class_of(ref)]; });
  if (is_pinned(retired)) {
    pinned_.push(retired);
    return;
  }
  for_each_chunk_of(retired, [&](ChunkRef ref) {
    --chunks_;
    slabs_.give(ref);
  });
}

void Reclaimer::release_unpinned(std::size_t tries) {
  for (tries = std::min(tries, pinned_.size()); tries > 0; --tries) {
    const Retired retired = pinned_.pop();
    if (is_pinned(retired)) {
      pinned_.push(retired);
      continue;
    }
    for_each_chunk_of(retired, [&](ChunkRef ref) {
      --chunks_;
      slabs_.give(ref);
    });
  }
}

}  // namespace ringcache::store
