// Who has to leave: the eviction policy of one slab class.
//
// A policy keeps the items of its class on up to kListsMax lists (what the lists mean is its own
// affair; Place::kList0 + i says which list an item is on) and names victims. Hits do not call it:
// readers, who hold no lock, set bits in Item::hit, and the policy looks at the bits of an item
// when the item comes up. Everything but record_hit runs under the arena's lock.
//
// Invariant: a linked item is on exactly one list of its class's policy, the one its `place` names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/item.h"
#include "store/region.h"
#include "store/store_options.h"

namespace ringcache::store {

// A doubly linked list through Item::prev and Item::next, newest at the head.
struct ItemList {
  ChunkRef head = kNoChunk;
  ChunkRef tail = kNoChunk;
  std::size_t count = 0;
};

class ItemLists {
 public:
  explicit ItemLists(const Region& region) : region_(region) {}

  void push_head(std::size_t list, Item& item);
  void remove(Item& item);
  void move_to_head(std::size_t list, Item& item);

  const ItemList& list(std::size_t at) const { return lists_[at]; }
  Item* tail(std::size_t list) const { return at(lists_[list].tail); }
  Item* newer(const Item& item) const { return at(item.prev); }
  std::size_t total() const;

 private:
  Item* at(ChunkRef ref) const { return ref == kNoChunk ? nullptr : region_.item(ref); }

  const Region& region_;
  std::array<ItemList, kListsMax> lists_;
};

// What `stats items` shows of a policy's work.
struct EvictionMoves {
  std::uint64_t to_cold = 0;
  std::uint64_t to_warm = 0;
  std::uint64_t within = 0;
};

class EvictionPolicy {
 public:
  explicit EvictionPolicy(const Region& region) : lists_(region) {}
  virtual ~EvictionPolicy() = default;

  // The item has just been stored.
  virtual void on_insert(Item& item) = 0;
  // The item was replaced, deleted, evicted or has expired.
  virtual void on_remove(Item& item) { lists_.remove(item); }
  // The item that should leave next, still on its list; nullptr if there is none.
  virtual Item* victim() = 0;
  // The victim could not be taken (it is pinned): treat it as just read.
  virtual void refresh(Item& item) = 0;
  // Looks after the lists; at most `budget` items are moved. Returns how many were.
  virtual std::size_t maintain(Seconds now, std::size_t budget) = 0;

  const ItemLists& lists() const { return lists_; }
  const EvictionMoves& moves() const { return moves_; }

  // A reader found the item: writes only what is not there yet, so that the line of an item that
  // everybody reads stays in every core's cache (the time of access changes once a second).
  static void record_hit(Item& item, Seconds now) {
    const std::uint8_t hit = item.hit.load(std::memory_order_relaxed);
    if ((hit & kFetched) == 0) {
      item.hit.fetch_or(kFetched, std::memory_order_relaxed);
    } else if ((hit & kActive) == 0) {
      item.hit.fetch_or(kActive, std::memory_order_relaxed);
    }
    if (item.last_access.load(std::memory_order_relaxed) != now) {
      item.last_access.store(now, std::memory_order_relaxed);
    }
  }

 protected:
  ItemLists lists_;
  EvictionMoves moves_;
};

// The policy that the options ask for, for one class.
std::unique_ptr<EvictionPolicy> make_eviction_policy(const Region& region,
                                                     const StoreOptions& options);

}  // namespace ringcache::store
