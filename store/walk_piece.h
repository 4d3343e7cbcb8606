// The items of one piece of a walk (walk.h), for use when the store's lock is given back: under it
// they are only copied, into memory that is there already.
//
// Some 80 KiB; lives on the heap, as long as its walk. Threads: its owner's.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "store/hashed_key.h"
#include "store/walk.h"

namespace ringcache::store {

class WalkPiece {
 public:
  // The budget of the walk must not be more.
  static constexpr std::size_t kItemsMax = 256;

  void clear() { items_ = key_bytes_ = 0; }
  // Keeps the item's facts, and its key. Allocates nothing. REQUIRES fewer than kItemsMax items.
  void add(const ItemFacts& item) {
    char* const key = keys_.data() + key_bytes_;
    key_bytes_ += item.key.copy(key, item.key.size());
    facts_[items_] = item;
    facts_[items_++].key = {key, item.key.size()};
  }
  // In the order of the walk; valid until the next clear().
  std::span<const ItemFacts> items() const { return {facts_.data(), items_}; }

 private:
  std::size_t items_ = 0;
  std::size_t key_bytes_ = 0;
  std::array<ItemFacts, kItemsMax> facts_;
  std::array<char, kItemsMax * kKeyBytesMax> keys_;
};

}  // namespace ringcache::store
