// Walking over all items (walk.h).
#include "store/arena.h"
#include "store/walk.h"

namespace ringcache::store {

// A page that changed hands since the last piece has been emptied: what is on it is newer than the
// walk or moved, so it is just looked at from there on.
WalkPosition Arena::walk(WalkPosition at, std::size_t budget, Seconds now,
                         const ItemVisitor& visit) const {
  const ArenaLock lock(*this);
  for (; at.page < slabs_.page_count(); ++at.page, at.chunk = 0) {
    const Page& page = slabs_.page(at.page);
    const std::uint32_t end = page.slab_class == kNoClass ? 0 : page.fresh;
    for (; at.chunk < end; ++at.chunk) {
      if (budget == 0) return at;
      --budget;
      const Item& item = *region_.item(slabs_.chunk(at.page, at.chunk));
      if (!item.linked() || is_dead(item, now)) continue;
      visit({item.key(), item.key_is_binary(), item.state.has(kFetched),
             item.expiry.load(std::memory_order_relaxed), item.last_access(),
             item.cas.load(std::memory_order_relaxed), page.slab_class + 1U, item_bytes(item),
             item.value_bytes()});
    }
    // A page without items costs something too.
    if (budget == 0) return at;
    --budget;
  }
  at.done = true;
  return at;
}

WalkPosition Store::walk(WalkPosition at, std::size_t budget, Seconds now,
                         const ItemVisitor& visit) const {
  return arena_->walk(at, budget, now, visit);
}

}  // namespace ringcache::store
