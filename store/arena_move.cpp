// Pages on the move: from one class to another, chunk by chunk as stores go by, so that nobody
// waits. What is worth keeping is copied to other pages of its class.
#include <algorithm>
#include <cstring>

#include "store/arena.h"
#include "store/hit_density.h"

namespace ringcache::store {
namespace {

// Pages compared when one has to be given up, and chunks looked at on each.
constexpr int kPagesCompared = 8;
constexpr std::uint32_t kChunksSampled = 16;
// Evictions between two looks at whether a page should move, and between two at another class's
// next victim.
constexpr std::uint64_t kEvictionsPerDecision = 32;
constexpr std::uint64_t kEvictionsPerProbe = 4;
// An item whose waste is this part of its class's victims' is not copied.
constexpr double kWorthMoving = 0.5;
// Weight of the newest victim in a class's mean.
constexpr double kWasteWeight = 1.0 / 8;
// Victims of a page on the move that may be waiting for readers.
constexpr std::size_t kMoveLimboStock = 8;
// A move that readers or pins hold up for longer is given up.
constexpr Seconds kMoveSecondsMax = 5;

}  // namespace

bool Arena::move_is_late(Seconds now) const {
  return now >= move_.began + kMoveSecondsMax;
}

// A page with nothing in progress on it: the cheapest of a few to give up, by the hits that its
// items bring; of those that will be evicted as a whole simply the emptiest.
PageIndex Arena::choose_page(ClassIndex donor, bool to_evict_all, Seconds now) {
  const std::vector<PageIndex>& pages = slabs_.slab_class(donor).pages;
  PageIndex best = kNoPage;
  double best_worth = 0;
  int compared = 0;
  for (std::size_t looked = 0; looked < pages.size() && compared < kPagesCompared; ++looked) {
    const PageIndex index = pages[++page_drawn_ % pages.size()];
    const Page& page = slabs_.page(index);
    if (page.busy != 0 || page.draining) continue;
    ++compared;
    double worth = page.used;
    if (!to_evict_all) {
      worth = 0;
      const std::uint32_t step = std::max(page.fresh / kChunksSampled, 1U);
      for (std::uint32_t chunk = 0; chunk < page.fresh; chunk += step) {
        const Item* item = region_.item(slabs_.chunk(index, chunk));
        if (item->place() == Place::kContinuation) {
          item = region_.item(reinterpret_cast<const Continuation*>(item)->head);
        }
        if (item->linked()) worth += 1 / waste_of(*item, context_, now);
      }
    }
    if (best != kNoPage && worth >= best_worth) continue;
    best = index;
    best_worth = worth;
  }
  return best;
}

// `to` kNoClass: to the pool.
bool Arena::begin_move(ClassIndex from, ClassIndex to, Seconds now) {
  const PageIndex page = choose_page(from, false, now);
  if (page == kNoPage) return false;
  move_ = {page, from, 0, now};
  slabs_.drain(page, to);
  move_is_over();
  return true;
}

// Whether the page has left its class, or there is no move.
bool Arena::move_is_over() {
  if (move_.page == kNoPage) return true;
  const Page& page = slabs_.page(move_.page);
  if (page.slab_class == move_.from && page.draining) return false;
  ++pages_moved_;
  move_ = {};
  return true;
}

void Arena::abandon_move() {
  slabs_.undrain(move_.page);
  move_ = {};
}

// False: nothing came of it; the rest waits for readers, or is pinned.
bool Arena::continue_move(std::size_t chunks_max, Seconds now) {
  for (std::size_t left = chunks_max; !move_is_over(); --left) {
    if (left == 0) return true;
    const Page& page = slabs_.page(move_.page);
    if (move_.next_chunk < page.fresh) {
      const Vacated vacated = vacate(slabs_.chunk(move_.page, move_.next_chunk), now);
      if (vacated == Vacated::kDone) {
        ++move_.next_chunk;
        continue;
      }
      if (!move_is_over() && (vacated == Vacated::kNever || move_is_late(now))) abandon_move();
      return false;
    }
    move_.next_chunk = 0;
    const std::uint32_t used = page.used;
    reclaimer_.reclaim(own_slot());
    if (move_is_over()) return true;
    if (page.used < used) continue;
    if (move_is_late(now)) abandon_move();
    return false;
  }
  return true;
}

// Sees to it that the chunk will be free.
Arena::Vacated Arena::vacate(ChunkRef ref, Seconds now) {
  Item* chunk = region_.item(ref);
  Item* item = chunk;
  const bool continuation = chunk->place() == Place::kContinuation;
  if (continuation) item = region_.item(region_.continuation(ref)->head);
  if (!item->linked() || is_held(*item) || has_pin(*item)) return Vacated::kDone;
  const bool dead = is_dead(*item, now);
  const bool immovable = !continuation && item->chained();
  if (dead || (options_.evict && (immovable || is_wasteful(*item, now)))) {
    evict(*item, now);
    return Vacated::kDone;
  }
  if (immovable) return Vacated::kNever;
  const MoveRoom room = room_to_move(move_.from, now);
  if (!item->linked()) {  // it was itself the victim
    if (room.ref != kNoChunk) give_back(room.ref);
    return Vacated::kDone;
  }
  if (room.ref == kNoChunk) {
    if (room.will_be) return Vacated::kWait;
    if (!options_.evict) return Vacated::kNever;
    evict(*item, now);
    return Vacated::kDone;
  }
  if (continuation) {
    move_continuation(*region_.continuation(ref), room.ref);
  } else {
    move_item(*item, room.ref);
  }
  return Vacated::kDone;
}

// Not worth the copy: hardly better than what its class would evict for it.
bool Arena::is_wasteful(const Item& item, Seconds now) const {
  if (options_.eviction != EvictionKind::kHitDensity || !options_.evict) return false;
  const double victims = classes_[class_of(item)].waste;
  return victims > 0 && waste_of(item, context_, now) >= victims * kWorthMoving;
}

// A free chunk on another page of the class. If there is none, the class's next victim makes room,
// which takes until readers have passed, unless it was on the page itself.
Arena::MoveRoom Arena::room_to_move(ClassIndex at, Seconds now) {
  if (const ChunkRef ref = slabs_.take(at)) return {ref, true};
  reclaimer_.reclaim(own_slot());
  if (const ChunkRef ref = slabs_.take(at)) return {ref, true};
  if (!options_.evict) return {kNoChunk, false};
  if (reclaimer_.waiting(at) >= kMoveLimboStock) return {kNoChunk, true};
  Item* victim = classes_[at].policy->victim(now);
  if (victim == nullptr) return {kNoChunk, reclaimer_.waiting(at) > 0};
  if (is_held(*victim) || has_pin(*victim)) {
    classes_[at].policy->refresh(*victim, now);
    return {kNoChunk, true};
  }
  evict(*victim, now);
  reclaimer_.reclaim(own_slot());
  return {slabs_.take(at), true};
}

void Arena::give_back(ChunkRef ref) {
  slabs_.settle(ref);
  slabs_.give(ref);
}

// Readers find the item in the old chunk or in the new one; the bytes are the same.
void Arena::move_item(Item& item, ChunkRef ref) {
  Item& to = *region_.item(ref);
  to.cas.store(item.cas.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.access.store(item.access.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.recency.store(item.recency.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.size = item.size;
  to.key_bytes = item.key_bytes;
  to.state.reset(item.place(), item.state.marks());
  if (item.large()) {  // not a chain; who pins the old one keeps it
    to.extension().pins.store(0, std::memory_order_relaxed);
    to.extension().chain.store(kNoChunk, std::memory_order_relaxed);
    to.extension().head_value_bytes = item.extension().head_value_bytes;
  }
  const std::size_t flags_bytes = item.has_client_flags() ? sizeof(std::uint32_t) : 0;
  std::memcpy(to.payload() - flags_bytes, item.payload() - flags_bytes,
              flags_bytes + item.key_bytes + item.head_value_bytes());
  slabs_.settle(ref);
  class_state(item).policy->on_move(item, to);
  set_expiry(to, item.expiry.load(std::memory_order_relaxed));
  table_.replace(hash_bytes(item.key(), options_.hash_seed), region_.ref(&item), ref);
  reclaimer_.retire(item);
  ++items_moved_;
}

void Arena::move_continuation(Continuation& chunk, ChunkRef ref) {
  Continuation& to = *region_.continuation(ref);
  to.next.store(chunk.next_chunk(), std::memory_order_relaxed);
  to.head = chunk.head;
  to.bytes = chunk.bytes;
  to.state.reset(Place::kContinuation, 0);
  std::memcpy(to.value(), chunk.value(), chunk.bytes);
  slabs_.settle(ref);
  const ChunkRef old = region_.ref(&chunk);
  std::atomic<ChunkRef>* link = &region_.item(chunk.head)->extension().chain;
  for (ChunkRef at = link->load(std::memory_order_relaxed); at != old;
       at = link->load(std::memory_order_relaxed)) {
    link = &region_.continuation(at)->next;
  }
  link->store(ref, std::memory_order_release);
  reclaimer_.retire(chunk);
  ++items_moved_;
}

// The next victim of another class than `at`, one class after the other: without it, a class that
// stores nothing would keep its pages for ever.
void Arena::probe_next_class(ClassIndex at, Seconds now) {
  for (std::size_t tries = 0; tries < classes_.size(); ++tries) {
    probed_ = static_cast<ClassIndex>((probed_ + 1) % classes_.size());
    if (probed_ == at || slabs_.slab_class(probed_).pages.empty()) continue;
    const Item* victim = classes_[probed_].policy->victim(now);
    if (victim == nullptr) return;
    double& mean = classes_[probed_].waste;
    const double waste = waste_of(*victim, context_, now);
    mean = mean == 0 ? waste : mean + (waste - mean) * kWasteWeight;
    return;
  }
}

void Arena::balance_by_waste(ClassIndex at, double waste, Seconds now) {
  double& mean = classes_[at].waste;
  mean = mean == 0 ? waste : mean + (waste - mean) * kWasteWeight;
  if (!automove_) return;
  ++evictions_;
  if (evictions_ % kEvictionsPerProbe == 0) probe_next_class(at, now);
  if (evictions_ % kEvictionsPerDecision != 0 || move_.page != kNoPage) return;
  const auto donor = choose_donor_by_waste(pressures(now), at);
  if (donor) begin_move(*donor, at, now);
}

// After the limit was lowered: one page after the other leaves.
void Arena::shed_excess(Seconds now) {
  if (slabs_.excess_pages() == 0 || move_.page != kNoPage || !options_.evict) return;
  const std::span<ClassPressure> pressures = this->pressures(now);
  while (true) {
    ClassPressure* best = nullptr;
    for (ClassPressure& candidate : pressures) {
      if (candidate.pages == 0 || candidate.excluded) continue;
      if (best == nullptr || candidate.surplus > best->surplus) best = &candidate;
    }
    if (best == nullptr) return;
    const auto donor = static_cast<ClassIndex>(best - pressures.data());
    if (begin_move(donor, kNoClass, now)) return;
    best->excluded = true;
  }
}

// Half of the limit at least is for items, whatever the table says.
void Arena::apply_limit() {
  const std::size_t pages = memory_limit_ / options_.page_bytes;
  table_pages_ = options_.count_table ? table_.held_bytes() / options_.page_bytes : 0;
  slabs_.set_page_limit(static_cast<PageIndex>(pages - std::min(table_pages_, pages / 2)));
}

bool Arena::set_memory_limit(std::size_t bytes, Seconds now) {
  if (bytes < kMemoryBytesMin || bytes > region_.bytes()) return false;
  const ArenaLock lock(*this);
  memory_limit_ = bytes;
  apply_limit();
  clock_.set_memory(bytes);
  item_bytes_max_.store(std::min(options_.item_bytes_max, bytes / 2), std::memory_order_relaxed);
  shed_excess(now);
  return true;
}

std::size_t Arena::memory_limit() const {
  const ArenaLock lock(*this);
  return memory_limit_ / options_.page_bytes * options_.page_bytes;
}

ReassignStatus Arena::reassign_page(std::optional<ClassIndex> from, ClassIndex to, Seconds now) {
  const ArenaLock lock(*this);
  if (to >= classes_.size() || (from && *from >= classes_.size())) return ReassignStatus::kBadClass;
  if (from && *from == to) return ReassignStatus::kSame;
  if (move_.page != kNoPage) return ReassignStatus::kBusy;
  if (!from) from = choose_donor(pressures(now), to);
  if (!from || *from == to || slabs_.slab_class(*from).pages.size() < 2) {
    return ReassignStatus::kNoSpare;
  }
  return begin_move(*from, to, now) ? ReassignStatus::kOk : ReassignStatus::kNoSpare;
}

void Arena::set_automove(bool on) {
  const ArenaLock lock(*this);
  automove_ = on;
}

bool Arena::automove() const {
  const ArenaLock lock(*this);
  return automove_;
}

bool Arena::tune_lru(const LruTuning& tuning) {
  if (options_.eviction != EvictionKind::kSegmentedLru || !is_valid(tuning)) return false;
  const ArenaLock lock(*this);
  options_.lru = tuning;
  return true;
}

LruTuning Arena::lru_tuning() const {
  const ArenaLock lock(*this);
  return options_.lru;
}

}  // namespace ringcache::store
