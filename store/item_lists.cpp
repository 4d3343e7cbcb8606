#include "store/item_lists.h"

#include <cassert>

namespace ringcache::store {

ChunkRef& ItemLists::next_of_previous(ItemList& list, const ItemLinks& links) const {
  return links.prev != kNoChunk ? ItemLists::links(*region_.item(links.prev)).next : list.head;
}

ChunkRef& ItemLists::prev_of_next(ItemList& list, const ItemLinks& links) const {
  return links.next != kNoChunk ? ItemLists::links(*region_.item(links.next)).prev : list.tail;
}

void ItemLists::push_head(std::size_t list, Item& item) {
  ItemList& into = lists_[list];
  ItemLinks& here = links(item);
  here.prev = kNoChunk;
  here.next = into.head;
  prev_of_next(into, here) = region_.ref(&item);
  into.head = region_.ref(&item);
  ++into.count;
  item.state.set_place(place_of_list(list));
}

void ItemLists::remove(Item& item) {
  assert(item.linked());
  ItemList& from = lists_[list_of(item.place())];
  const ItemLinks here = links(item);
  next_of_previous(from, here) = here.next;
  prev_of_next(from, here) = here.prev;
  --from.count;
}

void ItemLists::move_to_head(std::size_t list, Item& item) {
  remove(item);
  push_head(list, item);
}

void ItemLists::replace(Item& from, Item& to) {
  ItemList& list = lists_[list_of(from.place())];
  const ItemLinks here = links(from);
  links(to) = here;
  next_of_previous(list, here) = region_.ref(&to);
  prev_of_next(list, here) = region_.ref(&to);
}

std::string_view ItemLists::check_integrity() const {
  for (std::size_t number = 0; number < kListsMax; ++number) {
    const ItemList& list = lists_[number];
    std::size_t count = 0;
    ChunkRef previous = kNoChunk;
    for (ChunkRef ref = list.head; ref != kNoChunk; ref = links(*region_.item(ref)).next) {
      const Item& item = *region_.item(ref);
      if (item.place() != place_of_list(number)) return "an item is on a list and says otherwise";
      if (links(item).prev != previous) return "a broken list";
      previous = ref;
      if (++count > list.count) break;
    }
    if (count != list.count || list.tail != previous) return "a list's count or tail";
  }
  return {};
}

std::size_t ItemLists::total() const {
  std::size_t sum = 0;
  for (const ItemList& list : lists_) sum += list.count;
  return sum;
}

}  // namespace ringcache::store
