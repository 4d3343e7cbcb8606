#include "store/segmented_lru.h"

namespace ringcache::store {
namespace {

// Two per insertion keep up with any mix, since an insertion adds one.
constexpr int kPullsPerInsert = 2;
// Active items that one search for a victim may save. After that the tail goes, read or not, so
// that a class in which everything is read does not make its writers search.
constexpr int kSavesPerVictim = 50;

bool take_active(Item& item) {
  if (!item.state.has(kActive)) return false;
  item.state.clear_mark(kActive);
  return true;
}

Seconds age(const Item* item, Seconds now) {
  if (item == nullptr) return 0;
  const Seconds last = item->last_access();
  return now > last ? now - last : 0;
}

}  // namespace

void SegmentedLru::on_insert(Item& item) {
  const Seconds expiry = item.expiry.load(std::memory_order_relaxed);
  if (tuning_.temporary_ttl && expiry != kNever &&
      expiry <= std::uint64_t{item.last_access()} + *tuning_.temporary_ttl) {
    lists_.push_head(kTemporary, item);
    return;
  }
  lists_.push_head(tuning_.flat ? kCold : kHot, item);
  for (int pull = 0; pull < kPullsPerInsert; ++pull) {
    pull_tail(kHot, false);
    pull_tail(kWarm, false);
  }
}

bool SegmentedLru::over_share(std::size_t list) const {
  const unsigned percent = list == kHot ? tuning_.hot_percent : tuning_.warm_percent;
  if (tuning_.flat) return lists_.list(list).count > 0;
  return lists_.list(list).count * 100 > lists_.total() * percent;
}

bool SegmentedLru::pull_tail(std::size_t list, bool even_within_share) {
  if (!even_within_share && !over_share(list)) return false;
  Item* tail = lists_.tail(list);
  if (tail == nullptr) return false;
  if (!tuning_.flat && take_active(*tail)) {
    lists_.move_to_head(kWarm, *tail);
    ++(list == kWarm ? moves_.within : moves_.to_warm);
  } else {
    lists_.move_to_head(kCold, *tail);
    ++moves_.to_cold;
  }
  return true;
}

Item* SegmentedLru::victim(Seconds) {
  const std::size_t saved_to = tuning_.flat ? kCold : kWarm;
  for (int saves = 0; saves < kSavesPerVictim; ++saves) {
    Item* tail = lists_.tail(kCold);
    if (tail == nullptr || !take_active(*tail)) break;
    lists_.move_to_head(saved_to, *tail);
    ++(tuning_.flat ? moves_.within : moves_.to_warm);
    pull_tail(kWarm, false);
  }
  for (const std::size_t list : {kCold, kHot, kWarm, kTemporary}) {
    if (Item* tail = lists_.tail(list)) return tail;
  }
  return nullptr;
}

void SegmentedLru::refresh(Item& item, Seconds) {
  lists_.move_to_head(tuning_.flat ? kCold : kWarm, item);
}

std::array<ListFigures, kListsMax> SegmentedLru::lists(Seconds now) const {
  std::array<ListFigures, kListsMax> figures;
  for (std::size_t list = 0; list < kListsMax; ++list) {
    figures[list] = {lists_.list(list).count, age(lists_.tail(list), now)};
  }
  return figures;
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
  settle(kHot, cold_age * tuning_.hot_age_factor);
  settle(kWarm, cold_age * tuning_.warm_age_factor);
  return moved;
}

}  // namespace ringcache::store
