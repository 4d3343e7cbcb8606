// StoreThread: batches and reading. A hit takes no lock.
#include <algorithm>
#include <cassert>
#include <utility>

#include "store/arena.h"
#include "store/store.h"

namespace ringcache::store {

StoreThread::StoreThread(StoreThread&& other) noexcept
    : arena_(other.arena_), state_(std::exchange(other.state_, nullptr)) {}

StoreThread::~StoreThread() {
  if (state_ != nullptr) arena_->remove_thread(state_);
}

void StoreThread::begin_batch() {
  state_->epoch.announce(arena_->epoch());
  state_->outer_batch = std::exchange(batches_of_this_thread, state_);
}

void StoreThread::end_batch() {
  assert(batches_of_this_thread == state_);
  batches_of_this_thread = state_->outer_batch;
  state_->epoch.withdraw();
}

void StoreThread::prefetch(const HashedKey& key) const {
  arena_->table().prefetch(key.hash);
}

void StoreThread::prefetch_item(const HashedKey& key) const {
  const ChunkRef ref = arena_->table().guess(key.hash);
  if (ref == kNoChunk) return;
  // Header, key and the start of the value; past the end of the region a prefetch does nothing.
  const char* item = reinterpret_cast<const char*>(arena_->region().item(ref));
  for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(item + line * 64);
}

// The live item, without the lock. A dead one is removed if the lock happens to be free: nobody has
// to wait for that, and chunks are not reused meanwhile, so views stay valid.
Item* StoreThread::look_up(const HashedKey& key, Seconds now, Miss& why) {
  Item* item = arena_->find(key);
  if (item == nullptr) {
    why = Miss::kAbsent;
    return nullptr;
  }
  if (!arena_->is_dead(*item, now)) return item;
  const bool flushed = arena_->flush_is_due(now) || arena_->is_flushed(*item);
  why = flushed ? Miss::kFlushed : Miss::kExpired;
  if (arena_->mutex.try_lock()) {
    const std::lock_guard lock(arena_->mutex, std::adopt_lock);
    arena_->find_live(key, now);
  }
  return nullptr;
}

void StoreThread::count_hit(const Item& item) {
  state_->counters.get_hits.add();
  const Place place = item.place();
  // Unlinked this moment: the hit counts, on any list.
  const std::size_t list = is_linked(place) ? list_of(place) : 0;
  state_->classes[arena_->class_of(item)].hits[list].add();
}

void StoreThread::count_miss(Miss why) {
  state_->counters.get_misses.add();
  if (why == Miss::kExpired) state_->counters.get_expired.add();
  if (why == Miss::kFlushed) state_->counters.get_flushed.add();
}

ItemView StoreThread::get(const HashedKey& key, Seconds now) {
  state_->counters.cmd_get.add();
  Miss why{};
  Item* item = look_up(key, now, why);
  if (item == nullptr) {
    count_miss(why);
    return {};
  }
  EvictionPolicy::record_hit(*item, arena_->clock(), now);
  count_hit(*item);
  return view(*item);
}

// Under the lock, because whoever replaces the item (append, incr) takes its expiry along: a change
// in between would be lost.
Item* StoreThread::touch_locked(const HashedKey& key, Seconds expiry, Seconds now) {
  state_->counters.cmd_touch.add();
  Item* item = arena_->find_live(key, now);
  if (item == nullptr) {
    state_->counters.touch_misses.add();
    return nullptr;
  }
  arena_->set_expiry(*item, expiry);
  EvictionPolicy::record_hit(*item, arena_->clock(), now);
  state_->counters.touch_hits.add();
  state_->classes[arena_->class_of(*item)].touch_hits.add();
  return item;
}

ItemView StoreThread::get_and_touch(const HashedKey& key, Seconds expiry, Seconds now) {
  ArenaLock lock(*arena_);
  Item* item = touch_locked(key, expiry, now);
  return item == nullptr ? ItemView{} : view(*item);
}

bool StoreThread::touch(const HashedKey& key, Seconds expiry, Seconds now) {
  ArenaLock lock(*arena_);
  return touch_locked(key, expiry, now) != nullptr;
}

// What a hit of mg answers, before anything is changed; `won` if the token is this client's to
// take.
MetaGetResult StoreThread::describe(const Item& item, const MetaGetOptions& options,
                                    Seconds now) const {
  MetaGetResult result;
  result.item = view(item);
  result.last_access = item.last_access();
  result.expiry_before = item.expiry.load(std::memory_order_relaxed);
  result.was_fetched = item.state.has(kFetched);
  result.stale = item.state.has(kStale);
  result.token_sent = item.state.has(kTokenSent);
  const bool judge_new = options.touch && !options.recache_before_touch;
  const Seconds expiry = judge_new ? options.touch_expiry : result.expiry_before;
  const bool is_due =
      options.recache && expiry != kNever && expiry < std::uint64_t{now} + options.recache_below;
  result.won = !result.token_sent && (result.stale || is_due);
  return result;
}

MetaGetResult StoreThread::meta_get(const HashedKey& key, const MetaGetOptions& options,
                                    Seconds now) {
  if (!options.touch) {
    Miss why{};
    Item* item = look_up(key, now, why);
    if (item == nullptr && !options.vivify) {
      state_->counters.cmd_get.add();
      count_miss(why);
      return {};
    }
    if (item != nullptr) {
      const MetaGetResult result = describe(*item, options, now);
      // Who wins is decided under the lock: the item may be replaced at this moment by one that
      // takes its token along.
      if (!result.won) {
        state_->counters.cmd_get.add();
        count_hit(*item);
        if (!options.no_bump) EvictionPolicy::record_hit(*item, arena_->clock(), now);
        return result;
      }
    }
  }
  ArenaLock lock(*arena_);
  return meta_get_locked(key, options, now);
}

MetaGetResult StoreThread::meta_get_locked(const HashedKey& key, const MetaGetOptions& options,
                                           Seconds now) {
  Item* item = arena_->find_live(key, now);
  if (item == nullptr) return vivify_locked(key, options, now);
  MetaGetResult result = describe(*item, options, now);
  if (result.won) item->state.set_mark(kTokenSent);
  if (options.touch) {
    arena_->set_expiry(*item, options.touch_expiry);
    state_->counters.cmd_touch.add();
    state_->counters.touch_hits.add();
    state_->classes[arena_->class_of(*item)].touch_hits.add();
  } else {
    state_->counters.cmd_get.add();
    count_hit(*item);
  }
  if (!options.no_bump) EvictionPolicy::record_hit(*item, arena_->clock(), now);
  return result;
}

MetaGetResult StoreThread::vivify_locked(const HashedKey& key, const MetaGetOptions& options,
                                         Seconds now) {
  MetaGetResult result;
  state_->counters.cmd_get.add();
  if (!options.vivify) {
    count_miss(Miss::kAbsent);
    return result;
  }
  const ItemAttributes attributes{0, options.vivify_expiry, options.vivify_key_is_binary};
  Item* item = arena_->make_item(key.bytes, attributes, 0, now, nullptr, nullptr);
  if (item == nullptr) {
    count_miss(Miss::kAbsent);
    state_->counters.store_no_memory.add();
    result.no_memory = true;
    return result;
  }
  const std::uint64_t cas = options.vivify_cas != 0 ? options.vivify_cas : arena_->next_cas();
  arena_->link(*item, key.hash, nullptr, cas, kTokenSent, now);
  result.item = view(*item);
  result.created = true;
  result.won = true;
  result.last_access = now;
  result.expiry_before = kNever;
  count_hit(*item);
  if (!options.no_bump) EvictionPolicy::record_hit(*item, arena_->clock(), now);
  return result;
}

std::optional<ItemDebug> StoreThread::debug(const HashedKey& key, Seconds now) {
  const Item* item = arena_->find(key);
  if (item == nullptr || arena_->is_dead(*item, now)) return std::nullopt;
  ItemDebug debug{};
  debug.expiry = item->expiry.load(std::memory_order_relaxed);
  debug.last_access = item->last_access();
  debug.cas = item->cas.load(std::memory_order_acquire);
  debug.fetched = item->state.has(kFetched);
  debug.stale = item->state.has(kStale);
  debug.token_sent = item->state.has(kTokenSent);
  debug.key_is_binary = item->key_is_binary();
  debug.client_flags = item->client_flags();
  debug.value_bytes = item->value_bytes();
  debug.slab_class = arena_->class_of(*item) + 1U;
  debug.size_bytes = arena_->item_bytes(*item);
  if (item->large()) debug.pins = item->extension().pins.load(std::memory_order_relaxed);
  return debug;
}

ItemRef StoreThread::pin(const ItemView& pinned, bool* first) {
  if (!pinned || !pinned.item()->large()) return {};
  Item* item = const_cast<Item*>(pinned.item());
  const std::uint32_t before = item->extension().pins.fetch_add(1, std::memory_order_relaxed);
  if (first != nullptr) *first = before == 0;
  return ItemRef(pinned);
}

ItemRef StoreThread::pin_again(const ItemView& pinned) {
  if (!pinned || !pinned.item()->large()) return {};
  std::atomic<std::uint32_t>& pins = const_cast<Item*>(pinned.item())->extension().pins;
  std::uint32_t count = pins.load(std::memory_order_relaxed);
  while (count > 0) {
    if (pins.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
      return ItemRef(pinned);
    }
  }
  return {};
}

ItemView StoreThread::view(const Item& item) const {
  return {&item, &arena_->region()};
}

}  // namespace ringcache::store
