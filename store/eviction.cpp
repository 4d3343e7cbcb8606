#include "store/eviction.h"

#include <cassert>

#include "store/segmented_lru.h"

namespace ringcache::store {

void ItemLists::push_head(std::size_t list, Item& item) {
  ItemList& into = lists_[list];
  const ChunkRef ref = region_.ref(&item);
  item.prev = kNoChunk;
  item.next = into.head;
  if (into.head != kNoChunk) {
    region_.item(into.head)->prev = ref;
  } else {
    into.tail = ref;
  }
  into.head = ref;
  ++into.count;
  const auto place = static_cast<std::uint8_t>(Place::kList0) + list;
  item.place.store(static_cast<Place>(place), std::memory_order_relaxed);
}

void ItemLists::remove(Item& item) {
  const Place place = item.place.load(std::memory_order_relaxed);
  assert(is_linked(place));
  ItemList& from = lists_[list_of(place)];
  (item.prev != kNoChunk ? region_.item(item.prev)->next : from.head) = item.next;
  (item.next != kNoChunk ? region_.item(item.next)->prev : from.tail) = item.prev;
  --from.count;
}

void ItemLists::move_to_head(std::size_t list, Item& item) {
  remove(item);
  push_head(list, item);
}

std::size_t ItemLists::total() const {
  std::size_t sum = 0;
  for (const ItemList& list : lists_) sum += list.count;
  return sum;
}

std::unique_ptr<EvictionPolicy> make_eviction_policy(const Region& region,
                                                     const StoreOptions& options) {
  return std::make_unique<SegmentedLru>(region, options);
}

}  // namespace ringcache::store
