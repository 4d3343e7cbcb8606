// Doubly linked lists of items, for policies that keep their items in an order. The links lie
// before the items (kLinkBytes, the item_offset of their Region). Under the arena's lock.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "store/item.h"
#include "store/region.h"

namespace ringcache::store {

struct ItemLinks {
  ChunkRef prev;  // towards the head
  ChunkRef next;  // towards the tail
};
inline constexpr std::size_t kLinkBytes = sizeof(ItemLinks);

struct ItemList {
  ChunkRef head = kNoChunk;  // the newest
  ChunkRef tail = kNoChunk;
  std::size_t count = 0;
};

// Invariant: a linked item is on exactly one list, the one its place names.
class ItemLists {
 public:
  explicit ItemLists(const Region& region) : region_(region) {}

  void push_head(std::size_t list, Item& item);
  void remove(Item& item);
  void move_to_head(std::size_t list, Item& item);
  // `to` takes the place of `from` in its list.
  void replace(Item& from, Item& to);

  const ItemList& list(std::size_t at) const { return lists_[at]; }
  Item* tail(std::size_t list) const { return at(lists_[list].tail); }
  std::size_t total() const;
  // Empty when links, counts and places agree; for tests.
  std::string_view check_integrity() const;

  static ItemLinks& links(Item& item) { return *(reinterpret_cast<ItemLinks*>(&item) - 1); }
  static const ItemLinks& links(const Item& item) {
    return *(reinterpret_cast<const ItemLinks*>(&item) - 1);
  }

 private:
  Item* at(ChunkRef ref) const { return ref == kNoChunk ? nullptr : region_.item(ref); }
  ChunkRef& next_of_previous(ItemList& list, const ItemLinks& links) const;
  ChunkRef& prev_of_next(ItemList& list, const ItemLinks& links) const;

  const Region& region_;
  std::array<ItemList, kListsMax> lists_;
};

}  // namespace ringcache::store
