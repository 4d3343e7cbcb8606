#include "proxy/large_keys.h"

#include <algorithm>

namespace ringcache::proxy {

void LargeKeys::note(std::size_t mark, std::uint64_t value_bytes) {
  if (mark == 0) return;
  const std::uint64_t word = tag(mark) << 32 | std::min(value_bytes, kSizeMax);
  auto& place = slots_[slot(mark)];
  if (place.load(std::memory_order_relaxed) == word) return;  // the line stays with all who read it
  place.store(word, std::memory_order_relaxed);
  any_.store(true, std::memory_order_relaxed);
}

void LargeKeys::forget(std::size_t mark) {
  if (size_of(mark) > 0) slots_[slot(mark)].store(0, std::memory_order_relaxed);
}

}  // namespace ringcache::proxy
