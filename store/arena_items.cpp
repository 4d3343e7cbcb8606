// Items: found, entered, removed, flushed.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "store/arena.h"

namespace ringcache::store {

Arena::Arena(const StoreOptions& options)
    : options_(options),
      region_(options.memory_bytes_max / options.page_bytes * options.page_bytes,
              eviction_link_bytes(options.eviction)),
      clock_(options.memory_bytes),
      slabs_(region_, options_, static_cast<PageIndex>(options.memory_bytes / options.page_bytes)),
      table_(region_.bytes() / options.chunk_bytes_min, options.growth),
      reclaimer_(region_, slabs_),
      context_{region_, slabs_, clock_, options_},
      classes_(slabs_.class_count()),
      pressures_(slabs_.class_count()),
      memory_limit_(options.memory_bytes),
      item_bytes_max_(options.item_bytes_max),
      automove_(options.automove) {
  for (ClassIndex at = 0; at < slabs_.class_count(); ++at) {
    classes_[at].policy = make_eviction_policy(context_, at);
  }
}

Item* Arena::find(const HashedKey& key) const {
  const ChunkRef ref = table_.find(key.hash, [&](ChunkRef candidate) {
    const Item& item = *region_.item(candidate);
    return item.key_bytes == key.bytes.size() &&
           std::memcmp(item.payload(), key.bytes.data(), key.bytes.size()) == 0;
  });
  return ref == kNoChunk ? nullptr : region_.item(ref);
}

Item* Arena::find_live(const HashedKey& key, Seconds now) {
  apply_due_flush(now);
  Item* item = find(key);
  if (item == nullptr || !is_dead(*item, now)) return item;
  remove_dead(*item, key.hash, now);
  return nullptr;
}

void Arena::link(Item& item, std::uint64_t hash, Item* old, std::uint64_t cas, std::uint8_t marks,
                 Seconds now) {
  const unsigned generation = generation_.load(std::memory_order_relaxed);
  item.cas.store(cas, std::memory_order_relaxed);
  item.set_generation(generation, now);
  const unsigned reads = old != nullptr ? AccessClock::reads(*old) : table_.take_ghost(hash);
  item.recency.store(clock_.fresh(reads), std::memory_order_relaxed);
  if (marks != 0) item.state.set_mark(marks);
  for_each_chunk(region_, item, [&](ChunkRef ref) {
    clock_.stored(slabs_.room(ref), now);
    slabs_.settle(ref);
  });

  ClassState& state = class_state(item);
  state.policy->on_insert(item);
  ++state.items;
  state.bytes += item_bytes(item);
  bytes_ += item_bytes(item);
  ++items_by_generation_[generation];
  ++items_;
  ++total_items_;
  set_expiry(item, item.expiry.load(std::memory_order_relaxed));

  const ChunkRef ref = region_.ref(&item);
  if (old == nullptr) {
    table_.insert(hash, ref);
    charge_table();
    return;
  }
  // One store: a reader finds the old item or the new one.
  table_.replace(hash, region_.ref(old), ref);
  ClassState& old_state = class_state(*old);
  old_state.policy->on_remove(*old);
  --old_state.items;
  old_state.bytes -= item_bytes(*old);
  bytes_ -= item_bytes(*old);
  --items_by_generation_[old->generation()];
  --items_;
  reclaimer_.retire(*old);
}

void Arena::unlink(Item& item, std::uint64_t hash) {
  table_.erase(hash, region_.ref(&item));
  forget(item);
}

// If its key is stored again soon, the item has been read more often than it will say.
void Arena::unlink_evicted(Item& item, std::uint64_t hash) {
  table_.erase_to_ghost(hash, region_.ref(&item), AccessClock::reads(item) + 1);
  forget(item);
}

void Arena::forget(Item& item) {
  assert(item.linked());
  ClassState& state = class_state(item);
  state.policy->on_remove(item);
  --state.items;
  state.bytes -= item_bytes(item);
  bytes_ -= item_bytes(item);
  --items_by_generation_[item.generation()];
  --items_;
  reclaimer_.retire(item);
}

void Arena::remove_dead(Item& item, std::uint64_t hash, Seconds now) {
  if (is_expired(item.expiry.load(std::memory_order_relaxed), now)) {
    ClassState& state = class_state(item);
    ++state.expired;
    if (!item.state.has(kFetched)) ++state.expired_unfetched;
  }
  unlink(item, hash);
}

void Arena::set_expiry(Item& item, Seconds expiry) {
  item.expiry.store(expiry, std::memory_order_relaxed);
  if (expiry == kNever) return;
  Page& page = slabs_.page(slabs_.page_of(region_.ref(&item)));
  page.min_expiry = std::min(page.min_expiry, expiry);
  ClassState& state = class_state(item);
  state.min_expiry = std::min(state.min_expiry, expiry);
}

void Arena::apply_due_flush(Seconds now) {
  if (flush_is_due(now)) flush(now, nullptr);
}

// Items carry the generation they were stored in, and only the current one is alive. There are 16;
// one is used again when no item of it is left, which the background sweep sees to. A flush begins
// none if nothing was stored since the last one.
void Arena::flush(Seconds now, ArenaLock* lock) {
  if (items_by_generation_[generation_.load(std::memory_order_relaxed)] != 0) {
    spare_generation(now, lock);
    unsigned next = generation_.load(std::memory_order_relaxed);
    do {
      next = (next + 1) % kGenerations;
    } while (items_by_generation_[next] != 0);
    generation_.store(static_cast<std::uint8_t>(next), std::memory_order_release);
  }
  flush_at_.store(kNever, std::memory_order_release);
}

bool Arena::has_spare_generation() const {
  const unsigned current = generation_.load(std::memory_order_relaxed);
  for (unsigned at = 0; at < kGenerations; ++at) {
    if (at != current && items_by_generation_[at] == 0) return true;
  }
  return false;
}

// If clients flush faster than the background sweeps, they sweep themselves. Who lets go of the
// lock meanwhile may find that somebody else flushed: hence again.
void Arena::spare_generation(Seconds now, ArenaLock* lock) {
  if (has_spare_generation()) return;
  while (!has_spare_generation()) sweep_everything(now, lock);
  // Nobody may still be looking at an item of a generation that begins anew.
  if (lock != nullptr) reclaimer_.wait_and_reclaim(own_slot());
}

bool Arena::has_flushed_items() const {
  return items_ != items_by_generation_[generation_.load(std::memory_order_relaxed)];
}

ThreadState* Arena::add_thread() {
  const ArenaLock lock(*this);
  if (threads_.size() >= options_.threads_max) return nullptr;
  threads_.push_back(std::make_unique<ThreadState>());
  threads_.back()->arena = this;
  reclaimer_.add_thread(&threads_.back()->epoch);
  return threads_.back().get();
}

}  // namespace ringcache::store
