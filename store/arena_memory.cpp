// Memory: shapes of items, chunks for them, and what is evicted to get chunks.
#include <algorithm>
#include <cstring>

#include "store/arena.h"
#include "store/eviction_sink.h"
#include "store/hit_density.h"

namespace ringcache::store {
namespace {

// A class that evicts keeps this many chunks on their way through limbo (or a sixteenth of its
// chunks, if that is less), so that a store finds one that readers have passed instead of waiting.
constexpr std::size_t kLimboStockMax = 32;
constexpr std::size_t kEvictionsPerStore = 2;
// Victims that may turn out pinned before the class counts as having nothing to evict.
constexpr int kPinnedVictimsMax = 128;
// A search for expired items that finds fewer than one in this many is not repeated in its second.
constexpr std::uint32_t kSweepYieldMin = 16;
// Chunks taken for a chain before the lock is let go.
constexpr std::size_t kChunksPerBreath = 8;
// Chunks of a page on the move that one store looks after.
constexpr std::size_t kMovesPerStore = 8;

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
  shape.head_value_bytes = static_cast<std::uint32_t>(slabs_.room_max() - prefix);
  return shape;
}

bool Arena::too_large(std::string_view key, std::uint32_t client_flags,
                      std::uint64_t value_bytes) const {
  const std::size_t most = item_bytes_max();
  return value_bytes > most || shape(key.size(), client_flags != 0, value_bytes).item_bytes > most;
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
  item.size = static_cast<std::uint32_t>(value_bytes) | (shape.large ? kLarge : 0) |
              (attributes.client_flags != 0 ? kClientFlags : 0);
  item.key_bytes = static_cast<std::uint8_t>(key.size());
  if (attributes.key_is_binary) item.state.set_mark(kBinaryKey);
  item.expiry.store(attributes.expiry, std::memory_order_relaxed);
  if (shape.large) {
    item.extension().pins.store(0, std::memory_order_relaxed);
    item.extension().chain.store(kNoChunk, std::memory_order_relaxed);
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
  std::size_t left = head.value_bytes() - head.head_value_bytes();
  Continuation* last = nullptr;
  for (std::size_t taken = 1; left > 0; ++taken) {
    if (lock != nullptr && taken % kChunksPerBreath == 0) lock->breathe();
    const std::size_t wanted = std::min(left + sizeof(Continuation), slabs_.room_max());
    const ChunkRef ref = take_chunk(slabs_.class_for(wanted), now);
    if (ref == kNoChunk) return false;
    Continuation& chunk = *region_.continuation(ref);
    const std::size_t room = slabs_.room(ref) - sizeof(Continuation);
    chunk.next.store(kNoChunk, std::memory_order_relaxed);
    chunk.head = region_.ref(&head);
    chunk.bytes = static_cast<std::uint32_t>(std::min(left, room));
    chunk.state.reset(Place::kContinuation, 0);
    (last == nullptr ? head.extension().chain : last->next).store(ref, std::memory_order_relaxed);
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
    shed_excess(now);
    continue_move(kMovesPerStore, now);
    const std::size_t stock = std::min(kLimboStockMax, slabs_.slab_class(at).chunks() / 16) + 1;
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
    Item* victim = policy.victim(now);
    if (victim == nullptr) return false;
    if (!is_held(*victim) && !has_pin(*victim)) {
      const double waste = waste_of(*victim, context_, now);
      evict(*victim, now);
      if (options_.eviction == EvictionKind::kHitDensity) balance_by_waste(at, waste, now);
      return true;
    }
    policy.refresh(*victim, now);
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
  const Seconds last = item.last_access();
  ++state.evicted;
  if (item.expiry.load(std::memory_order_relaxed) != kNever) ++state.evicted_nonzero;
  if (!item.state.has(kFetched)) ++state.evicted_unfetched;
  if (item.state.has(kActive)) ++state.evicted_active;
  state.evicted_time = now > last ? now - last : 0;
  if (options_.eviction_sink != nullptr && options_.eviction_sink->wanted()) {
    options_.eviction_sink->on_evict(
        {item.key(), item.state.has(kFetched), item.expiry.load(std::memory_order_relaxed), last,
         class_of(item) + 1U, item.value_bytes()},
        now);
  }
  unlink_evicted(item, hash);
}

// Looks through one page that may have expired items. Pages take turns.
bool Arena::reclaim_expired(ClassIndex at, Seconds now) {
  ClassState& state = classes_[at];
  if (state.min_expiry > now || state.expiry_pause == now) return false;
  Seconds least = kNothingExpires;
  for (const PageIndex page : slabs_.slab_class(at).pages) {
    if (slabs_.page(page).min_expiry <= now) {
      slabs_.page(page).min_expiry = kNothingExpires;
      const SweepResult done = sweep_page(page, 0, slabs_.page(page).fresh, now);
      state.reclaimed += done.reclaimed;
      if (done.reclaimed * kSweepYieldMin < done.checked) state.expiry_pause = now;
      return done.reclaimed > 0;
    }
    least = std::min(least, slabs_.page(page).min_expiry);
  }
  state.min_expiry = least;
  return false;
}

std::span<ClassPressure> Arena::pressures(Seconds now) {
  const bool by_waste = options_.eviction == EvictionKind::kHitDensity;
  for (std::size_t at = 0; at < classes_.size(); ++at) {
    const SlabClass& slab_class = slabs_.slab_class(static_cast<ClassIndex>(at));
    ClassPressure& pressure = pressures_[at];
    pressure = {};
    pressure.pages = static_cast<std::uint32_t>(slab_class.pages.size());
    pressure.chunks_per_page = slab_class.chunks_per_page;
    pressure.free_chunks = slab_class.free_chunks();
    pressure.evictions = classes_[at].evicted - classes_[at].evictions_seen;
    pressure.surplus = classes_[at].waste;
    if (by_waste || pressure.pages == 0) continue;
    const auto lists = classes_[at].policy->lists(now);
    for (std::size_t list = kListsMax; list-- > 0 && pressure.surplus == 0;) {
      pressure.surplus = lists[list].age;
    }
  }
  return pressures_;
}

bool Arena::take_page(ClassIndex taker, Seconds now) {
  const std::span<ClassPressure> pressures = this->pressures(now);
  while (const auto donor = choose_donor(pressures, taker)) {
    if (empty_a_page(*donor, taker, now)) return true;
    pressures[*donor].excluded = true;
  }
  return false;
}

// Whether everything on the page can be evicted.
bool Arena::may_empty(PageIndex at) const {
  for (std::uint32_t chunk = 0; chunk < slabs_.page(at).fresh; ++chunk) {
    const Item* item = region_.item(slabs_.chunk(at, chunk));
    if (item->place() == Place::kContinuation) {
      item = region_.item(reinterpret_cast<const Continuation*>(item)->head);
    }
    if (item->linked() && (is_held(*item) || has_pin(*item))) return false;
  }
  return true;
}

void Arena::empty_page(PageIndex at, ClassIndex heir, Seconds now) {
  const std::uint32_t chunks = slabs_.page(at).fresh;
  const ClassIndex owner = slabs_.page(at).slab_class;
  slabs_.drain(at, heir);
  for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
    // It was empty, or has just become so.
    if (slabs_.page(at).slab_class != owner || !slabs_.page(at).draining) return;
    Item* item = region_.item(slabs_.chunk(at, chunk));
    if (item->place() == Place::kContinuation) {
      item = region_.item(reinterpret_cast<const Continuation*>(item)->head);
    }
    if (item->linked()) evict(*item, now);
  }
}

// Evicts what is on one page of the class for the taker. A page that a reader pins at the last
// moment stays away from everybody until the pin is gone.
bool Arena::empty_a_page(ClassIndex donor, ClassIndex taker, Seconds now) {
  const std::vector<PageIndex>& pages = slabs_.slab_class(donor).pages;
  PageIndex page = choose_page(donor, true, now);
  for (std::size_t tries = pages.size(); tries > 0; --tries) {
    const bool good = page != kNoPage && slabs_.page(page).busy == 0 &&
                      !slabs_.page(page).draining && may_empty(page);
    if (good) {
      empty_page(page, taker, now);
      reclaimer_.reclaim(own_slot());
      if (!slabs_.has_room(taker)) reclaimer_.wait_and_reclaim(own_slot());
      if (slabs_.has_room(taker)) ++pages_moved_;
      return slabs_.has_room(taker);
    }
    page = pages[++page_drawn_ % pages.size()];
  }
  return false;
}

}  // namespace ringcache::store
