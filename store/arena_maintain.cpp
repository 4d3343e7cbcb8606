// Background work: dead items, the lists, the balance of pages.
#include <algorithm>
#include <utility>

#include "store/arena.h"

namespace ringcache::store {
namespace {

constexpr std::uint32_t kChunksPerSlice = 128;     // between two breaths of the lock
constexpr std::size_t kListMovesPerClass = 100;    // one call, one class
constexpr std::uint32_t kMoveSliceChunks = 32;     // of a page on the move, between two breaths
constexpr std::uint32_t kMoveSlices = 4096;        // one call
constexpr std::uint32_t kPagesPerSecondPart = 64;  // at most 1/64 of all pages move in a second

}  // namespace

SweepResult Arena::sweep_page(PageIndex at, std::uint32_t from, std::uint32_t count, Seconds now) {
  SweepResult done;
  Page& page = slabs_.page(at);
  const std::uint32_t end = std::min(page.fresh, from + count);
  for (std::uint32_t chunk = from; chunk < end; ++chunk) {
    Item* item = region_.item(slabs_.chunk(at, chunk));
    if (!item->linked()) continue;
    ++done.checked;
    const Seconds expiry = item->expiry.load(std::memory_order_relaxed);
    if (is_dead(*item, now) && !is_held(*item)) {
      remove_dead(*item, hash_bytes(item->key(), options_.hash_seed), now);
      ++done.reclaimed;
    } else if (expiry != kNever) {
      page.min_expiry = std::min(page.min_expiry, expiry);
    }
  }
  return done;
}

// Whatever happens to a page while the lock is let go, what is on it then is looked at or is newer.
void Arena::sweep_everything(Seconds now, ArenaLock* lock) {
  for (PageIndex at = 0; at < slabs_.page_count(); ++at) {
    const Page& page = slabs_.page(at);
    for (std::uint32_t from = 0; page.slab_class != kNoClass && from < page.fresh;) {
      sweep_page(at, from, kChunksPerSlice, now);
      from += kChunksPerSlice;
      if (lock == nullptr) continue;
      reclaimer_.reclaim(own_slot());
      lock->breathe();
    }
  }
}

// Goes on where the last slice stopped: to the next page that may have dead items, and through up
// to a slice of its chunks. A page that changes hands meanwhile is just looked at from there on.
void Arena::sweep_slice(Seconds now, std::size_t budget, SweepResult& result) {
  const bool flushed = has_flushed_items();
  const auto may_have_dead = [&](const Page& page) {
    return page.slab_class != kNoClass && (flushed || page.min_expiry <= now);
  };
  if (swept_chunk_ == 0) {
    while (swept_page_ < slabs_.page_count() && !may_have_dead(slabs_.page(swept_page_))) {
      ++swept_page_;
    }
    if (swept_page_ >= slabs_.page_count()) {
      swept_page_ = 0;
      result.pass_done = true;
      return;
    }
    slabs_.page(swept_page_).min_expiry = kNothingExpires;
  }
  Page& page = slabs_.page(swept_page_);
  const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(kChunksPerSlice, budget));
  if (page.slab_class != kNoClass && swept_chunk_ < page.fresh) {
    ClassState& state = classes_[page.slab_class];
    const SweepResult done = sweep_page(swept_page_, swept_chunk_, count, now);
    state.crawler_checked += done.checked;
    state.crawler_reclaimed += done.reclaimed;
    state.min_expiry = std::min(state.min_expiry, page.min_expiry);
    result.checked += done.checked;
    result.reclaimed += done.reclaimed;
    swept_chunk_ += count;
  }
  if (page.slab_class == kNoClass || swept_chunk_ >= page.fresh) {
    swept_chunk_ = 0;
    ++swept_page_;
  }
}

// Moves one page, if a move is worth while; `evictions` are those of the time since the last round.
bool Arena::balance_pages(std::span<const std::uint64_t> evictions, Seconds now) {
  if (slabs_.pool_pages() > 0 || !options_.evict) return false;
  const std::span<ClassPressure> pressures = this->pressures(now);
  for (std::size_t at = 0; at < pressures.size(); ++at) pressures[at].evictions = evictions[at];
  const auto move = choose_move_by_age(pressures);
  return move && begin_move(move->from, move->to, now);
}

SweepResult Arena::sweep(Seconds now, std::size_t budget) {
  SweepResult result;
  ArenaLock lock(*this);
  apply_due_flush(now);
  for (std::size_t left = budget; left > 0 && !result.pass_done;) {
    sweep_slice(now, left, result);
    reclaimer_.reclaim(own_slot());
    left -= std::min<std::size_t>(left, kChunksPerSlice);
    lock.breathe();
  }
  return result;
}

bool Arena::prefer_huge_pages() {
  huge_page_use_ = HugePageUse::kAlways;
  return region_.prefer_huge_pages() && table_.prefer_huge_pages();
}

// A table within -m may not take from items what it may never use, but for a 64th.
bool Arena::may_prepare_table() const {
  return !options_.count_table || memory_limit_ / 64 >= kHugePageBytes;
}

// What is taken away from the store meanwhile stays touched until it is used again: 2 MiB.
PrepareStatus Arena::prepare_memory() {
  char* next = nullptr;
  {
    const ArenaLock lock(*this);
    next = slabs_.next_to_prepare();
    if (next == nullptr && may_prepare_table()) next = table_.next_to_prepare();
  }
  return next == nullptr ? PrepareStatus::kNothing : prepare_huge_page(next, huge_page_use_);
}

MaintainResult Arena::maintain(Seconds now) {
  MaintainResult result;
  ArenaLock lock(*this);
  apply_due_flush(now);
  charge_table();
  for (ClassState& state : classes_) {
    lock.breathe();
    result.moved += state.policy->maintain(now, kListMovesPerClass);
  }
  reclaimer_.reclaim(own_slot());
  for (std::uint32_t slices = 0; slices < kMoveSlices; ++slices) {
    shed_excess(now);
    if (move_.page == kNoPage) break;
    if (!continue_move(kMoveSliceChunks, now)) break;
    lock.breathe();
  }
  result.pages_wait = slabs_.excess_pages() > 0;
  if (balanced_at_ == now) return result;
  balanced_at_ = now;
  if (options_.eviction != EvictionKind::kSegmentedLru || !automove_) return result;
  std::vector<std::uint64_t> evictions;
  for (ClassState& state : classes_) {
    evictions.push_back(state.evicted - std::exchange(state.evictions_seen, state.evicted));
  }
  for (std::uint32_t moves = slabs_.page_count() / kPagesPerSecondPart + 1; moves > 0; --moves) {
    lock.breathe();
    if (move_.page != kNoPage || !balance_pages(evictions, now)) break;
    while (continue_move(kMoveSliceChunks, now) && move_.page != kNoPage) lock.breathe();
  }
  return result;
}

}  // namespace ringcache::store
