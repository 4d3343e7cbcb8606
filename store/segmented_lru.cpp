#include "store/segmented_lru.h"

namespace ringcache::store {
namespace {

// Two per insertion keep up with any mix, since an insertion adds one.
constexpr int kPullsPerInsert = 2;
// Active items that one search for a victim may save. After that the tail goes, read or not, so
// that a class in which everything is read does not make its writers search.
constexpr int kSavesPerVictim = 50;
// memcached's hot_max_factor and warm_max_factor: a list's tail may be this part of the age of
// cold's tail before it moves on although its list is within its share.
constexpr double kHotAgeMax = 0.2;
constexpr double kWarmAgeMax = 2.0;

bool take_active(Item& item) {
  if ((item.hit.load(std::memory_order_relaxed) & kActive) == 0) return false;
  item.hit.fetch_and(static_cast<std::uint8_t>(~kActive), std::memory_order_relaxed);
  return true;
}

Seconds age(const Item* item, Seconds now) {
  if (item == nullptr) return 0;
  const Seconds last = item->last_access.load(std::memory_order_relaxed);
  return now > last ? now - last : 0;
}

}  // namespace

void SegmentedLru::on_insert(Item& item) {
  lists_.push_head(kHot, item);
  for (int pull = 0; pull < kPullsPerInsert; ++pull) {
    pull_tail(kHot, false);
    pull_tail(kWarm, false);
  }
}

bool SegmentedLru::over_share(std::size_t list) const {
  const unsigned percent = list == kHot ? hot_percent_ : warm_percent_;
  return lists_.list(list).count * 100 > lists_.total() * percent;
}

bool SegmentedLru::pull_tail(std::size_t list, bool even_within_share) {
  if (!even_within_share && !over_share(list)) return false;
  Item* tail = lists_.tail(list);
  if (tail == nullptr) return false;
  if (take_active(*tail)) {
    lists_.move_to_head(kWarm, *tail);
    ++(list == kWarm ? moves_.within : moves_.to_warm);
  } else {
    lists_.move_to_head(kCold, *tail);
    ++moves_.to_cold;
  }
  return true;
}

Item* SegmentedLru::victim() {
  for (int saves = 0; saves < kSavesPerVictim; ++saves) {
    Item* tail = lists_.tail(kCold);
    if (tail == nullptr || !take_active(*tail)) break;
    lists_.move_to_head(kWarm, *tail);
    ++moves_.to_warm;
    pull_tail(kWarm, false);
  }
  for (const std::size_t list : {kCold, kHot, kWarm}) {
    if (Item* tail = lists_.tail(list)) return tail;
  }
  return nullptr;
}

void SegmentedLru::refresh(Item& item) {
  lists_.move_to_head(kWarm, item);
}

std::size_t SegmentedLru::maintain(Seconds now, std::size_t budget) {
  std::size_t moved = 0;
  const double cold_age = age(lists_.tail(kCold), now);
  const auto settle = [&](std::size_t list, double age_max) {
    while (moved < budget) {
      const bool is_old = cold_age > 0 && age(lists_.tail(list), now) > age_max;
      if (!pull_tail(list, is_old)) return;
      ++moved;
    }
  };
  settle(kHot, cold_age * kHotAgeMax);
  settle(kWarm, cold_age * kWarmAgeMax);
  return moved;
}

}  // namespace ringcache::store
