#include "store/item_ref.h"

#include <algorithm>

namespace ringcache::store {

void ItemView::copy_value(char* to) const {
  const std::string_view head = item_->head_value();
  to = std::copy(head.begin(), head.end(), to);
  for (ChunkRef ref = item_->chain(); ref != kNoChunk;) {
    const Continuation* chunk = region_->continuation(ref);
    to = std::copy_n(chunk->value(), chunk->bytes, to);
    ref = chunk->next_chunk();
  }
}

std::size_t ItemView::pieces(std::size_t offset, std::span<std::string_view> pieces) const {
  std::size_t count = 0;
  const auto add = [&](std::string_view piece) {
    if (offset >= piece.size()) {
      offset -= piece.size();
    } else {
      pieces[count++] = piece.substr(offset);
      offset = 0;
    }
  };
  if (pieces.empty()) return 0;
  add(item_->head_value());
  for (ChunkRef ref = item_->chain(); ref != kNoChunk && count < pieces.size();) {
    const Continuation* chunk = region_->continuation(ref);
    add({chunk->value(), chunk->bytes});
    ref = chunk->next_chunk();
  }
  return count;
}

bool ItemRef::reset() {
  if (!view_) return false;
  // Release: what was read through the pin is read before the chunk can be used again. The item was
  // reached through a view that is const to readers; its pin count is theirs to write.
  Item* item = const_cast<Item*>(view_.item());
  view_ = {};
  return item->extension().pins.fetch_sub(1, std::memory_order_release) == 1;
}

}  // namespace ringcache::store
