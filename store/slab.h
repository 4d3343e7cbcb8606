// Slab pages and the chunks in them.
//
// The region is cut into pages of equal size. A page is in the pool, or belongs to a class, which
// cuts it into chunks of the class's size. A chunk is free (on its page's free list, or never used
// since the page came: those are taken last, so memory is touched late) or used. A page whose last
// chunk is freed goes back to the pool, so pages wander to where they are needed.
//
//   page of 64 KiB, class of 152 bytes:  | used | free | used | ... | never used ...        | 24
//   bytes |
//                                                                     ^ fresh              ^ 431
//                                                                     chunks
//
// Chunk sizes grow by the growth factor and are then widened until the page has no tail (or one of
// less than `alignment` bytes a chunk): 136 becomes 136 in 64 KiB (481 chunks), 8100 becomes 8192.
// The largest chunk is an eighth of a page; what is larger is chained.
//
// `busy` counts the used chunks of a page that belong to an operation in progress or to a
// Reservation: they can't be evicted, so such a page can't be taken from its class.
//
// All under the arena's lock, but for class_of, which any thread may call for a chunk that it may
// look at.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "store/item.h"
#include "store/region.h"
#include "store/store_options.h"

namespace ringcache::store {

using PageIndex = std::uint32_t;
inline constexpr PageIndex kNoPage = 0xFFFFFFFF;
using ClassIndex = std::uint8_t;  // 0 is the first; `stats` counts from 1
inline constexpr ClassIndex kNoClass = 0xFF;
inline constexpr std::size_t kClassesMax = 200;
inline constexpr std::size_t kChunksPerPageOfLargest = 8;
// No item of the page has an expiry.
inline constexpr Seconds kNothingExpires = 0xFFFFFFFF;

// The chunk sizes for these options (page_bytes resolved), smallest first. Pure.
std::vector<std::size_t> chunk_sizes(const StoreOptions& options, std::size_t alignment);
// What page_bytes = 0 stands for.
std::size_t default_page_bytes(std::size_t memory_bytes);

struct Page {
  ClassIndex slab_class = kNoClass;  // kNoClass: in the pool
  bool draining = false;             // takes no new items; goes to the pool when empty
  std::uint32_t used = 0;
  std::uint32_t busy = 0;    // of used
  std::uint32_t fresh = 0;   // chunks from here on were never used
  ChunkRef free = kNoChunk;  // linked by Item::next
  // No item in the page expires before; it may be that none expires then.
  Seconds min_expiry = kNothingExpires;
  PageIndex previous = kNoPage;  // in the class's ring of pages
  PageIndex next = kNoPage;
  PageIndex roomy_previous = kNoPage;  // in the class's list of pages with free chunks
  PageIndex roomy_next = kNoPage;
};

struct SlabClass {
  std::size_t chunk_bytes = 0;
  std::uint32_t chunks_per_page = 0;
  std::uint32_t pages = 0;
  std::size_t used = 0;  // chunks
  PageIndex first = kNoPage;
  PageIndex roomy = kNoPage;
};

class SlabAllocator {
 public:
  SlabAllocator(Region& region, const StoreOptions& options);

  std::size_t page_bytes() const { return page_bytes_; }
  PageIndex page_count() const { return static_cast<PageIndex>(pages_.size()); }
  PageIndex pool_pages() const { return pool_pages_; }
  ClassIndex class_count() const { return static_cast<ClassIndex>(classes_.size()); }
  const SlabClass& slab_class(ClassIndex at) const { return classes_[at]; }
  Page& page(PageIndex at) { return pages_[at]; }
  const Page& page(PageIndex at) const { return pages_[at]; }
  std::size_t chunk_bytes_max() const { return classes_.back().chunk_bytes; }

  // The smallest class for `bytes`; kNoClass if the largest is too small.
  ClassIndex class_for(std::size_t bytes) const {
    return bytes > chunk_bytes_max() ? kNoClass : class_by_size_[(bytes + 7) / 8];
  }
  ClassIndex class_of(ChunkRef ref) const {
    return page_class_[page_of(ref)].load(std::memory_order_relaxed);
  }
  PageIndex page_of(ChunkRef ref) const {
    return static_cast<PageIndex>(region_.offset(ref) >> page_shift_);
  }
  std::size_t capacity(ChunkRef ref) const { return classes_[class_of(ref)].chunk_bytes; }
  ChunkRef chunk(PageIndex page, std::uint32_t at) const {
    return region_.ref((std::size_t{page} << page_shift_) +
                       at * classes_[pages_[page].slab_class].chunk_bytes);
  }

  // Free chunks of the class that were not used since their page came. Looks at every page.
  std::size_t never_used(ClassIndex at) const;

  // A free chunk of a page the class has, marked kReserved and busy; or kNoChunk.
  ChunkRef take(ClassIndex at);
  // Gives the class a page from the pool; false if the pool is empty.
  bool add_page(ClassIndex at);
  // The operation that took the chunk is over and it stays in use.
  void settle(ChunkRef ref) { --pages_[page_of(ref)].busy; }
  // The chunk is free. REQUIRES settled.
  void give(ChunkRef ref);
  // No more chunks are taken from the page.
  void drain(PageIndex page);

 private:
  void add_to_ring(PageIndex at);
  void remove_from_ring(PageIndex at);
  void add_roomy(PageIndex at);
  void remove_roomy(PageIndex at);
  void give_page(PageIndex at);
  bool is_full(const Page& page) const {
    return page.free == kNoChunk && page.fresh == classes_[page.slab_class].chunks_per_page;
  }

  Region& region_;
  std::size_t page_bytes_;
  unsigned page_shift_;
  std::vector<SlabClass> classes_;
  std::vector<ClassIndex> class_by_size_;  // by (bytes + 7) / 8
  std::vector<Page> pages_;
  // Page::slab_class again, for readers.
  std::unique_ptr<std::atomic<ClassIndex>[]> page_class_;
  PageIndex pool_ = kNoPage;  // linked by Page::next
  PageIndex pool_pages_ = 0;
};

}  // namespace ringcache::store
