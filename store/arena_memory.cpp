// Memory: shapes of items, chunks for them, and what is evicted to get chunks.
#include <algorithm>
#include <cstring>

#include "store/arena.h"

namespace ringcache::store {
namespace {

// A class that evicts keeps this many chunks on their way through limbo (or a sixteenth of its
// chunks, if that is less), so that a store finds one that readers have passed instead of waiting.
constexpr std::size_t kLimboStockMax = 32;
constexpr std::size_t kEvictionsPerStore = 2;
// Victims that may turn out pinned before the class counts as having nothing to evict.
constexpr int kPinnedVictimsMax = 128;
// Pages compared when one has to be given up: the emptiest goes.
constexpr int kPagesCompared = 8;
// A search for expired items that finds fewer than one in this many is not repeated in its second.
constexpr std::uint32_t kSweepYieldMin = 16;
// Chunks taken for a chain before the lock is let go.
constexpr std::size_t kChunksPerBreath = 8;

bool has_pin(const Item& item) {
  return item.large() && item.extension().pins.load(std::memory_order_relaxed) != 0;
}

}  // namespace

Arena::Shape Arena::shape(std::size_t key_bytes, bool client_flags, std::size_t value_bytes) const {
  Shape shape;
  shape.large = value_bytes >= options_.pin_bytes_min;
  shape.item_bytes = Item::header_bytes(shape.large, client_flags) + key_bytes + value_bytes;
  shape.head_class = slabs_.class_for(shape.item_bytes);
  shape.head_value_bytes = static_cast<std::uint32_t>(value_bytes);
  if (shape.head_class != kNoClass) return shape;
  shape.large = true;
  const std::size_t prefix = Item::header_bytes(true, client_flags) + key_bytes;
  shape.item_bytes = prefix + value_bytes;
  shape.head_class = static_cast<ClassIndex>(slabs_.class_count() - 1);
  shape.head_value_bytes = static_cast<std::uint32_t>(slabs_.chunk_bytes_max() - prefix);
  return shape;
}

bool Arena::too_large(std::string_view key, std::uint32_t client_flags,
                      std::uint64_t value_bytes) const {
  return value_bytes > options_.item_bytes_max ||
         shape(key.size(), client_flags != 0, value_bytes).item_bytes > options_.item_bytes_max;
}

Item* Arena::make_item(std::string_view key, const ItemAttributes& attributes,
                       std::size_t value_bytes, Seconds now, const Item* held, ArenaLock* lock) {
  const Shape shape = this->shape(key.size(), attributes.client_flags != 0, value_bytes);
  held_ = held;
  const ChunkRef ref = take_chunk(shape.head_class, now);
  if (ref == kNoChunk) {
    count_out_of_memory(shape.head_class);
    held_ = nullptr;
    return nullptr;
  }
  Item& item = *region_.item(ref);
  item.value_bytes = static_cast<std::uint32_t>(value_bytes);
  item.key_bytes = static_cast<std::uint8_t>(key.size());
  item.layout = static_cast<std::uint8_t>((shape.large ? kLarge : 0) |
                                          (attributes.client_flags != 0 ? kClientFlags : 0) |
                                          (attributes.key_is_binary ? kBinaryKey : 0));
  item.expiry.store(attributes.expiry, std::memory_order_relaxed);
  if (shape.large) {
    item.extension().pins.store(0, std::memory_order_relaxed);
    item.extension().chain = kNoChunk;
    item.extension().head_value_bytes = shape.head_value_bytes;
  }
  char* payload = item.payload();
  if (attributes.client_flags != 0) {
    std::memcpy(payload - sizeof attributes.client_flags, &attributes.client_flags,
                sizeof attributes.client_flags);
  }
  std::memcpy(payload, key.data(), key.size());
  const bool complete = add_chain(item, now, lock);
  held_ = nullptr;
  if (complete) return &item;
  count_out_of_memory(shape.head_class);
  free_unlinked(item);
  return nullptr;
}

bool Arena::add_chain(Item& head, Seconds now, ArenaLock* lock) {
  std::size_t left = head.value_bytes - head.head_value_bytes();
  Continuation* last = nullptr;
  for (std::size_t taken = 1; left > 0; ++taken) {
    if (lock != nullptr && taken % kChunksPerBreath == 0) lock->breathe();
    const std::size_t wanted = std::min(left + sizeof(Continuation), slabs_.chunk_bytes_max());
    const ChunkRef ref = take_chunk(slabs_.class_for(wanted), now);
    if (ref == kNoChunk) return false;
    Continuation& chunk = *region_.continuation(ref);
    const std::size_t room = slabs_.capacity(ref) - sizeof(Continuation);
    chunk.next = kNoChunk;
    chunk.head = region_.ref(&head);
    chunk.bytes = static_cast<std::uint32_t>(std::min(left, room));
    chunk.place.store(Place::kContinuation, std::memory_order_relaxed);
    (last == nullptr ? head.extension().chain : last->next) = ref;
    last = &chunk;
    left -= chunk.bytes;
  }
  return true;
}

// From the class, or, if it has nothing and can't get anything, from a larger one.
ChunkRef Arena::take_chunk(ClassIndex at, Seconds now) {
  if (const ChunkRef ref = slabs_.take(at)) return ref;
  for (; at < slabs_.class_count(); ++at) {
    if (const ChunkRef ref = take_by_force(at, now)) return ref;
  }
  return kNoChunk;
}

ChunkRef Arena::take_or_grow(ClassIndex at) {
  if (const ChunkRef ref = slabs_.take(at)) return ref;
  return slabs_.add_page(at) ? slabs_.take(at) : kNoChunk;
}

ChunkRef Arena::take_by_force(ClassIndex at, Seconds now) {
  reclaimer_.reclaim(own_slot());
  if (const ChunkRef ref = take_or_grow(at)) return ref;
  if (options_.evict) {
    const std::size_t chunks =
        std::size_t{slabs_.slab_class(at).pages} * slabs_.slab_class(at).chunks_per_page;
    const std::size_t stock = std::min(kLimboStockMax, chunks / 16) + 1;
    for (std::size_t evicted = 0;
         evicted < kEvictionsPerStore && reclaimer_.waiting(at) < stock && evict_one(at, now);) {
      ++evicted;
      ++direct_reclaims_;
    }
  } else {
    reclaim_expired(at, now);
  }
  reclaimer_.reclaim(own_slot());
  if (const ChunkRef ref = take_or_grow(at)) return ref;
  if (reclaimer_.waiting(at) > 0) {
    reclaimer_.wait_and_reclaim(own_slot());
    if (const ChunkRef ref = take_or_grow(at)) return ref;
  }
  if (!options_.evict || !take_page(at, now)) reclaimer_.wait_and_reclaim(own_slot());
  return take_or_grow(at);
}

bool Arena::is_held(const Item& item) const {
  return &item == held_;
}

bool Arena::evict_one(ClassIndex at, Seconds now) {
  if (reclaim_expired(at, now)) return true;
  EvictionPolicy& policy = *classes_[at].policy;
  for (int tries = 0; tries < kPinnedVictimsMax; ++tries) {
    Item* victim = policy.victim();
    if (victim == nullptr) return false;
    if (!is_held(*victim) && !has_pin(*victim)) {
      evict(*victim, now);
      return true;
    }
    policy.refresh(*victim);
  }
  return false;
}

void Arena::evict(Item& item, Seconds now) {
  const std::uint64_t hash = hash_bytes(item.key(), options_.hash_seed);
  ClassState& state = class_state(item);
  if (is_dead(item, now)) {
    ++state.reclaimed;
    remove_dead(item, hash, now);
    return;
  }
  const std::uint8_t hit = item.hit.load(std::memory_order_relaxed);
  const Seconds last = item.last_access.load(std::memory_order_relaxed);
  ++state.evicted;
  if (item.expiry.load(std::memory_order_relaxed) != kNever) ++state.evicted_nonzero;
  if ((hit & kFetched) == 0) ++state.evicted_unfetched;
  if ((hit & kActive) != 0) ++state.evicted_active;
  state.evicted_time = now > last ? now - last : 0;
  unlink(item, hash);
}

// Looks through one page that may have expired items. Pages take turns.
bool Arena::reclaim_expired(ClassIndex at, Seconds now) {
  ClassState& state = classes_[at];
  if (state.min_expiry > now || state.expiry_pause == now) return false;
  const PageIndex first = slabs_.slab_class(at).first;
  Seconds least = kNothingExpires;
  for (PageIndex page = first; page != kNoPage;) {
    if (slabs_.page(page).min_expiry <= now) {
      slabs_.page(page).min_expiry = kNothingExpires;
      const Sweep done = sweep(page, 0, slabs_.page(page).fresh, now);
      state.reclaimed += done.reclaimed;
      if (done.reclaimed * kSweepYieldMin < done.checked) state.expiry_pause = now;
      return done.reclaimed > 0;
    }
    least = std::min(least, slabs_.page(page).min_expiry);
    page = slabs_.page(page).next;
    if (page == first) break;
  }
  state.min_expiry = least;
  return false;
}

std::vector<ClassPressure> Arena::pressures(Seconds now) const {
  std::vector<ClassPressure> pressures(classes_.size());
  for (std::size_t at = 0; at < classes_.size(); ++at) {
    const SlabClass& slab_class = slabs_.slab_class(static_cast<ClassIndex>(at));
    ClassPressure& pressure = pressures[at];
    pressure.pages = slab_class.pages;
    pressure.chunks_per_page = slab_class.chunks_per_page;
    pressure.free_chunks =
        std::size_t{slab_class.pages} * slab_class.chunks_per_page - slab_class.used;
    pressure.evictions = classes_[at].evicted - classes_[at].evictions_seen;
    const ItemLists& lists = classes_[at].policy->lists();
    for (std::size_t list = kListsMax; list-- > 0 && pressure.tail_age == 0;) {
      const Item* tail = lists.tail(list);
      if (tail == nullptr) continue;
      const Seconds last = tail->last_access.load(std::memory_order_relaxed);
      pressure.tail_age = now > last ? now - last : 0;
    }
  }
  return pressures;
}

bool Arena::take_page(ClassIndex taker, Seconds now) {
  std::vector<ClassPressure> pressures = this->pressures(now);
  while (const auto donor = choose_donor(pressures, taker)) {
    if (empty_a_page(*donor, now)) return true;
    pressures[*donor].excluded = true;
  }
  return false;
}

// Whether everything on the page can be evicted.
bool Arena::may_empty(PageIndex at) const {
  for (std::uint32_t chunk = 0; chunk < slabs_.page(at).fresh; ++chunk) {
    const Item* item = region_.item(slabs_.chunk(at, chunk));
    Place place = item->place.load(std::memory_order_relaxed);
    if (place == Place::kContinuation) {
      item = region_.item(reinterpret_cast<const Continuation*>(item)->head);
      place = item->place.load(std::memory_order_relaxed);
    }
    if (place == Place::kPinned) return false;
    if (is_linked(place) && (is_held(*item) || has_pin(*item))) return false;
  }
  return true;
}

void Arena::empty_page(PageIndex at, Seconds now) {
  const std::uint32_t chunks = slabs_.page(at).fresh;
  slabs_.drain(at);
  if (slabs_.page(at).slab_class == kNoClass) return;  // it was empty
  for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
    Item* item = region_.item(slabs_.chunk(at, chunk));
    if (item->place.load(std::memory_order_relaxed) == Place::kContinuation) {
      item = region_.item(reinterpret_cast<const Continuation*>(item)->head);
    }
    if (is_linked(item->place.load(std::memory_order_relaxed))) evict(*item, now);
  }
}

// Evicts what is on one page of the class, the emptiest of a few, until a page is in the pool. A
// page that a reader pins at the last moment stays away from everybody until the pin is gone.
bool Arena::empty_a_page(ClassIndex donor, Seconds now) {
  PageIndex page = slabs_.slab_class(donor).first;
  for (std::uint32_t left = slabs_.slab_class(donor).pages; left > 0;) {
    PageIndex best = kNoPage;
    for (int compared = 0; compared < kPagesCompared && left > 0; --left) {
      const Page& candidate = slabs_.page(page);
      if (candidate.busy == 0 && !candidate.draining) {
        ++compared;
        if (best == kNoPage || candidate.used < slabs_.page(best).used) best = page;
      }
      page = candidate.next;
    }
    if (best == kNoPage || !may_empty(best)) continue;
    empty_page(best, now);
    reclaimer_.reclaim(own_slot());
    if (slabs_.pool_pages() == 0) reclaimer_.wait_and_reclaim(own_slot());
    if (slabs_.pool_pages() > 0) {
      ++pages_moved_;
      return true;
    }
    // What was waited for may have taken any page of the ring along.
    page = slabs_.slab_class(donor).first;
    if (page == kNoPage) return false;
  }
  return false;
}

}  // namespace ringcache::store
