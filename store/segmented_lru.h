// memcached's segmented LRU: hot, warm and cold lists.
//
//   insert -> [ hot  <= 20 % ] --read twice--> [ warm <= 40 % ] <--read twice-- [ cold ] -> evicted
//                   \---------- else ------------ tail, else -----------------> head
//
// The first hit of an item sets kFetched, the next kActive. At the tail of its list an active item
// loses the mark and moves to the head of warm; another one moves to cold, when its list is over
// its share (or, in maintain, when it is old). Victims come from the tail of cold.
//
// With a temporary TTL, items that are stored to expire within it go to a list of their own, from
// which they expire and are evicted only when the others are empty. A flat LRU (`lru mode flat`)
// has cold alone: an item read since it came there goes back to the head.
#pragma once

#include "store/eviction.h"
#include "store/item_lists.h"

namespace ringcache::store {

class SegmentedLru final : public EvictionPolicy {
 public:
  explicit SegmentedLru(const EvictionContext& context)
      : tuning_(context.options.lru), lists_(context.region) {}

  void on_insert(Item& item) override;
  void on_remove(Item& item) override { lists_.remove(item); }
  void on_move(Item& from, Item& to) override { lists_.replace(from, to); }
  Item* victim(Seconds now) override;
  void refresh(Item& item, Seconds now) override;
  std::size_t maintain(Seconds now, std::size_t budget) override;
  std::array<ListFigures, kListsMax> lists(Seconds now) const override;
  EvictionMoves moves() const override { return moves_; }
  std::string_view check_integrity() const override { return lists_.check_integrity(); }

  const ItemLists& item_lists() const { return lists_; }

 private:
  // Moves the tail of hot or warm where it belongs; false if it may stay.
  bool pull_tail(std::size_t list, bool even_within_share);
  bool over_share(std::size_t list) const;

  const LruTuning& tuning_;  // the store's; changes under the arena's lock
  ItemLists lists_;
  EvictionMoves moves_;
};

}  // namespace ringcache::store
