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
// The region may be larger than what may be used: pages beyond the limit are parked, which costs
// address space and no memory (`stats` does not show them). set_page_limit moves the limit.
//
// `busy` counts the used chunks of a page that belong to an operation in progress or to a
// Reservation: they can't be evicted, so such a page can't be taken from its class.
//
// All under the arena's lock, but for class_of, which any thread may call for a chunk that it may
// look at.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
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
// What growth_factor = 0 stands for: little memory has few pages for many classes.
double default_growth_factor(std::size_t memory_bytes);

struct Page {
  ClassIndex slab_class = kNoClass;  // kNoClass: in the pool, or parked
  bool draining = false;             // takes no new items; leaves its class when empty
  ClassIndex heir = kNoClass;        // of a draining page: who gets it; kNoClass = the pool
  std::uint32_t used = 0;
  std::uint32_t busy = 0;    // of used
  std::uint32_t fresh = 0;   // chunks from here on were never used
  ChunkRef free = kNoChunk;  // linked by free_link
  // No item in the page expires before; it may be that none expires then.
  Seconds min_expiry = kNothingExpires;
  std::uint32_t position = 0;      // in SlabClass::pages
  PageIndex roomy_next = kNoPage;  // in the class's list of pages with free chunks, or in the pool
  PageIndex roomy_previous = kNoPage;
};

struct SlabClass {
  std::size_t chunk_bytes = 0;
  std::uint32_t chunks_per_page = 0;
  std::size_t used = 0;  // chunks
  std::vector<PageIndex> pages;
  PageIndex roomy = kNoPage;

  std::size_t shut = 0;  // free chunks on draining pages, which can't be taken

  std::size_t chunks() const { return pages.size() * chunks_per_page; }
  std::size_t free_chunks() const { return chunks() - used - shut; }
};

class SlabAllocator {
 public:
  // `page_limit` pages of the region may be used; at most all.
  SlabAllocator(Region& region, const StoreOptions& options, PageIndex page_limit);

  std::size_t page_bytes() const { return page_bytes_; }
  // Pages below this index were used once: they are in a class, in the pool or parked.
  PageIndex page_count() const { return static_cast<PageIndex>(pages_.size()); }
  PageIndex page_limit() const { return page_limit_; }
  PageIndex page_limit_max() const { return page_limit_max_; }
  PageIndex used_pages() const { return in_use_; }  // that classes have
  // That classes may have: those in the pool, and those never used.
  PageIndex pool_pages() const { return pooled_ + unused_pages(); }
  // In the pool, of those that were used once.
  PageIndex pooled_pages() const { return pooled_; }
  PageIndex parked_pages() const { return parked_pages_; }
  ClassIndex class_count() const { return static_cast<ClassIndex>(classes_.size()); }
  const SlabClass& slab_class(ClassIndex at) const { return classes_[at]; }
  Page& page(PageIndex at) { return pages_[at]; }
  const Page& page(PageIndex at) const { return pages_[at]; }

  // Bytes that the largest chunk has for an item.
  std::size_t room_max() const { return classes_.back().chunk_bytes - region_.item_offset(); }
  // The smallest class for an item of `bytes`; kNoClass if the largest is too small.
  ClassIndex class_for(std::size_t bytes) const {
    return bytes > room_max() ? kNoClass : class_by_size_[(bytes + region_.item_offset() + 7) / 8];
  }
  ClassIndex class_of(ChunkRef ref) const {
    return static_cast<ClassIndex>(page_class(page_of(ref)).load(std::memory_order_relaxed) - 1);
  }
  PageIndex page_of(ChunkRef ref) const {
    return static_cast<PageIndex>(region_.offset(ref) >> page_shift_);
  }
  // Bytes that the chunk has for an item.
  std::size_t room(ChunkRef ref) const {
    return classes_[class_of(ref)].chunk_bytes - region_.item_offset();
  }
  // Whether a reference kept from earlier still is a chunk of the class that was used once.
  bool is_chunk_of(ClassIndex at, ChunkRef ref) const {
    if (class_of(ref) != at) return false;
    const std::size_t offset = region_.offset(ref) & (page_bytes_ - 1);
    const std::size_t chunk_bytes = classes_[at].chunk_bytes;
    return offset % chunk_bytes == 0 && offset / chunk_bytes < pages_[page_of(ref)].fresh;
  }
  ChunkRef chunk(PageIndex page, std::uint32_t at) const {
    return region_.ref((std::size_t{page} << page_shift_) +
                       at * classes_[pages_[page].slab_class].chunk_bytes);
  }

  // Whether take() will find a chunk.
  bool has_room(ClassIndex at) const { return classes_[at].roomy != kNoPage; }
  // Free chunks of the class that were not used since their page came. Looks at its pages.
  std::size_t never_used(ClassIndex at) const;

  // A free chunk of a page the class has, marked kReserved and busy; or kNoChunk.
  ChunkRef take(ClassIndex at);
  // Gives the class a page from the pool; false if the pool is empty.
  bool add_page(ClassIndex at);
  // The operation that took the chunk is over and it stays in use.
  void settle(ChunkRef ref) { --pages_[page_of(ref)].busy; }
  // The chunk is free. REQUIRES settled.
  void give(ChunkRef ref);
  // No more chunks are taken from the page; when it is empty (at once, if it is) `heir` gets it,
  // even above the limit, or the pool.
  void drain(PageIndex page, ClassIndex heir = kNoClass);

  // Takes back a drain that has not ended. REQUIRES a draining page.
  void undrain(PageIndex page);

  // How many pages may be used, at most page_limit_max(). Fewer: first there are fewer of those
  // never used, then pages of the pool are parked, others when they get there; their memory goes
  // back to the system.
  void set_page_limit(PageIndex limit);
  // The 2 MiB that classes need next; nullptr: they are ready (huge_pages.h).
  char* next_to_prepare();
  // Made ready and not used yet.
  std::size_t ready_bytes() const {
    return prepared_.beyond(std::size_t{page_count()} << page_shift_);
  }
  // Pages that classes hold above the limit.
  PageIndex excess_pages() const { return in_use_ > page_limit_ ? in_use_ - page_limit_ : 0; }

 private:
  std::atomic<std::uint8_t>& page_class(PageIndex at) const {
    return reinterpret_cast<std::atomic<std::uint8_t>*>(page_classes_.data())[at];
  }
  void enter_class(PageIndex at, ClassIndex owner);
  void leave_class(PageIndex at);
  void add_roomy(PageIndex at);
  void remove_roomy(PageIndex at);
  void retire_page(PageIndex at);
  // Never used, and may be. The limit is reached by those of the pool and by parked ones first.
  PageIndex unused_pages() const { return page_limit_ - std::min(page_limit_, in_use_ + pooled_); }
  void push_pool(PageIndex at);
  void park(PageIndex at);
  bool is_full(const Page& page) const {
    return page.free == kNoChunk && page.fresh == classes_[page.slab_class].chunks_per_page;
  }

  Region& region_;
  std::size_t page_bytes_;
  unsigned page_shift_;
  PageIndex page_limit_;
  PageIndex page_limit_max_;
  std::vector<SlabClass> classes_;
  std::vector<ClassIndex> class_by_size_;  // by (bytes of a chunk + 7) / 8
  std::vector<Page> pages_;
  // Page::slab_class + 1 again, for readers; 0 = none.
  Mapping page_classes_;
  PageIndex in_use_ = 0;  // pages of classes
  PreparedMemory prepared_;
  PageIndex pool_ = kNoPage;
  PageIndex pooled_ = 0;
  PageIndex parked_ = kNoPage;
  PageIndex parked_pages_ = 0;
};

}  // namespace ringcache::store
