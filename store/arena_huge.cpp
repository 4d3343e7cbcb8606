// Huge pages: which 2 MiB are next, and what became of them.
#include "store/arena.h"

namespace ringcache::store {
namespace {

constexpr std::size_t kRangesPerLook = 256;  // between two breaths of the lock

}  // namespace

// A look goes once through the ranges of the table and then those of the items, over as many calls
// as it finds some, and begins again after one that found nothing.
std::optional<Arena::FullRange> Arena::next_full_range() {
  ArenaLock lock(*this);
  const std::size_t of_table = table_.huge_ranges().count();
  const std::size_t all = of_table + region_.huge_ranges().count();
  for (std::size_t looked = 1; collapse_at_ < all; ++looked) {
    if (looked % kRangesPerLook == 0) lock.breathe();
    FullRange found{collapse_at_ < of_table, collapse_at_};
    if (!found.of_table) found.range -= of_table;
    ++collapse_at_;
    HugeRanges& ranges = huge_ranges(found);
    if (ranges.is_huge(found.range)) continue;
    const bool full =
        found.of_table ? table_.is_range_full(found.range) : slabs_.is_range_full(found.range);
    if (!full) continue;
    ranges.set(found.range, true);  // until it is given back
    return found;
  }
  collapse_at_ = 0;
  return std::nullopt;
}

CollapseStatus Arena::collapse_next() {
  const std::optional<FullRange> next = next_full_range();
  if (!next) return CollapseStatus::kNothing;
  const std::size_t offset = next->range * kHugePageBytes;
  const CollapseStatus status =
      collapse(next->of_table ? table_.memory(offset) : region_.memory(offset));
  const ArenaLock lock(*this);
  if (status != CollapseStatus::kCollapsed) {
    ++collapse_failures_;
    huge_ranges(*next).set(next->range, false);
  } else if (!huge_ranges(*next).is_huge(next->range)) {
    // Some of it was given back meanwhile, and may have come again with the huge page.
    if (next->of_table) {
      table_.release_range(next->range);
    } else {
      slabs_.release_range(next->range);
    }
  }
  return status;
}

}  // namespace ringcache::store
