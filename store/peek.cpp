// Looking without touching: what a log of fetches and stores says of an item.
#include "store/arena.h"
#include "store/store.h"

namespace ringcache::store {

PeekResult StoreThread::peek(const HashedKey& key, Seconds now) const {
  PeekResult result;
  const Item* item = arena_->find(key);
  if (item == nullptr) return result;
  result.expiry = item->expiry.load(std::memory_order_relaxed);
  if (arena_->flush_is_due(now) || arena_->is_flushed(*item)) {
    result.status = PeekStatus::kFlushed;
  } else if (is_expired(result.expiry, now)) {
    result.status = PeekStatus::kExpired;
  } else {
    result.status = PeekStatus::kFound;
    result.slab_class = arena_->class_of(*item) + 1U;
    result.value_bytes = item->value_bytes();
  }
  return result;
}

unsigned Store::slab_class_for(std::size_t key_bytes, std::uint32_t client_flags,
                               std::size_t value_bytes) const {
  return arena_->shape(key_bytes, client_flags != 0, value_bytes).head_class + 1U;
}

}  // namespace ringcache::store
