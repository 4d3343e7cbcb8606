// memcached's segmented LRU: hot, warm and cold lists.
//
//   insert -> [ hot  <= 20 % ] --read twice--> [ warm <= 40 % ] <--read twice-- [ cold ] -> evicted
//                   \---------- else ------------ tail, else -----------------> head
//
// The first hit of an item sets kFetched, the next kActive. At the tail of its list an active item
// loses the mark and moves to the head of warm; another one moves to cold, when its list is over
// its share (or, in maintain, when it is old). Victims come from the tail of cold.
#pragma once

#include "store/eviction.h"

namespace ringcache::store {

class SegmentedLru final : public EvictionPolicy {
 public:
  static constexpr std::size_t kHot = 0;
  static constexpr std::size_t kWarm = 1;
  static constexpr std::size_t kCold = 2;

  SegmentedLru(const Region& region, const StoreOptions& options)
      : EvictionPolicy(region),
        hot_percent_(options.hot_percent),
        warm_percent_(options.warm_percent) {}

  void on_insert(Item& item) override;
  Item* victim() override;
  void refresh(Item& item) override;
  std::size_t maintain(Seconds now, std::size_t budget) override;

 private:
  // Moves the tail of hot or warm where it belongs; false if it may stay.
  bool pull_tail(std::size_t list, bool even_within_share);
  bool over_share(std::size_t list) const;

  unsigned hot_percent_;
  unsigned warm_percent_;
};

}  // namespace ringcache::store
