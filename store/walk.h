// A walk over all items, for those who list keys: piece by piece, so that nobody waits for it.
//
// It goes by place, page after page and chunk after chunk. An item that stays in its chunk from the
// beginning of the walk to its end is seen exactly once. One that moves meanwhile (a page is being
// emptied, or a write made a new item of it) may be seen twice or not at all, and one that is
// stored meanwhile may be seen or not. Dead items are passed over and stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "store/expiry.h"

namespace ringcache::store {

// Where a walk goes on; begins as {}. A plain value that holds nothing of the store, so a walk may
// be dropped at any time, and any number may be under way.
struct WalkPosition {
  std::uint32_t page = 0;
  std::uint32_t chunk = 0;
  bool done = false;
};

struct ItemFacts {
  std::string_view key;  // valid only while the item is being visited
  bool binary_key = false;
  bool fetched = false;
  Seconds expiry = kNever;
  Seconds last_access = 0;
  std::uint64_t cas = 0;
  unsigned slab_class = 0;  // as numbered in `stats slabs`
  std::size_t bytes = 0;    // header, key and value
  std::size_t value_bytes = 0;
};

// Called under the lock: must be short, wait for nothing and not call the store.
using ItemVisitor = std::function<void(const ItemFacts&)>;

}  // namespace ringcache::store
