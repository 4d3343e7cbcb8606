#include "store/slab.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

namespace ringcache::store {
namespace {

std::vector<std::size_t> sizes_with_factor(const StoreOptions& options, std::size_t alignment,
                                           double factor) {
  const std::size_t page = options.page_bytes;
  const std::size_t largest = page / kChunksPerPageOfLargest;
  std::vector<std::size_t> sizes;
  const auto aligned_up = [&](std::size_t bytes) {
    return (bytes + alignment - 1) & ~(alignment - 1);
  };
  std::size_t size = aligned_up(options.chunk_bytes_min);
  while (size < largest) {
    const std::size_t widened = (page / (page / size)) & ~(alignment - 1);
    sizes.push_back(widened);
    const auto grown = static_cast<std::size_t>(std::ceil(static_cast<double>(widened) * factor));
    size = aligned_up(std::max(grown, widened + 1));
  }
  if (!sizes.empty() && sizes.back() >= largest) sizes.pop_back();
  sizes.push_back(largest);
  return sizes;
}

}  // namespace

std::vector<std::size_t> chunk_sizes(const StoreOptions& options, std::size_t alignment) {
  const std::size_t pages = options.memory_bytes / options.page_bytes;
  const std::size_t classes_max = std::clamp<std::size_t>(pages / 2, 8, kClassesMax);
  for (double factor = options.growth_factor;; factor = 1 + (factor - 1) * 1.25) {
    std::vector<std::size_t> sizes = sizes_with_factor(options, alignment, factor);
    if (sizes.size() <= classes_max) return sizes;
  }
}

std::size_t default_page_bytes(std::size_t memory_bytes) {
  constexpr std::size_t kKiB = 1024;
  const std::size_t least = std::clamp(std::bit_floor(memory_bytes / 64), 16 * kKiB, 32 * kKiB);
  return std::clamp(std::bit_floor(memory_bytes / 2048), least, kMiB);
}

double default_growth_factor(std::size_t memory_bytes) {
  constexpr std::size_t kSmallMemory = 128 * kMiB;
  return memory_bytes < kSmallMemory ? 1.08 : 1.05;
}

SlabAllocator::SlabAllocator(Region& region, const StoreOptions& options, PageIndex page_limit)
    : region_(region),
      page_bytes_(options.page_bytes),
      page_shift_(static_cast<unsigned>(std::countr_zero(options.page_bytes))),
      page_limit_(0),
      page_limit_max_(static_cast<PageIndex>(region.bytes() / options.page_bytes)),
      page_classes_(page_limit_max_),
      prepared_(options.growth) {
  for (const std::size_t bytes : chunk_sizes(options, region.chunk_alignment())) {
    SlabClass added;
    added.chunk_bytes = bytes;
    added.chunks_per_page = static_cast<std::uint32_t>(page_bytes_ / bytes);
    classes_.push_back(std::move(added));
  }
  class_by_size_.resize(classes_.back().chunk_bytes / 8 + 1);
  ClassIndex at = 0;
  for (std::size_t units = 0; units < class_by_size_.size(); ++units) {
    while (classes_[at].chunk_bytes < units * 8) ++at;
    class_by_size_[units] = at;
  }
  pages_.reserve(page_limit_max_);  // address space, not memory; no request waits for a copy
  set_page_limit(page_limit);
}

std::size_t SlabAllocator::never_used(ClassIndex at) const {
  std::size_t sum = 0;
  for (const PageIndex page : classes_[at].pages) {
    sum += classes_[at].chunks_per_page - pages_[page].fresh;
  }
  return sum;
}

ChunkRef SlabAllocator::take(ClassIndex at) {
  SlabClass& owner = classes_[at];
  if (owner.roomy == kNoPage) return kNoChunk;
  const PageIndex index = owner.roomy;
  Page& page = pages_[index];
  ChunkRef ref = page.free;
  if (ref != kNoChunk) {
    page.free = free_link(region_.item(ref));
  } else {
    ref = chunk(index, page.fresh++);
  }
  ++page.used;
  ++page.busy;
  ++owner.used;
  if (is_full(page)) remove_roomy(index);
  region_.item(ref)->state.reset(Place::kReserved, 0);
  return ref;
}

bool SlabAllocator::add_page(ClassIndex at) {
  if (pool_ != kNoPage) {
    const PageIndex index = pool_;
    pool_ = pages_[index].roomy_next;
    --pooled_;
    enter_class(index, at);
    return true;
  }
  if (unused_pages() == 0) return false;
  const PageIndex index = page_count();
  prepared_.grew(std::size_t{index} << page_shift_, std::size_t{index + 1} << page_shift_);
  pages_.emplace_back();
  enter_class(index, at);
  return true;
}

void SlabAllocator::give(ChunkRef ref) {
  const PageIndex index = page_of(ref);
  Page& page = pages_[index];
  assert(page.used > page.busy);
  Item* chunk = region_.item(ref);
  chunk->state.reset(Place::kFree, 0);
  const bool was_full = is_full(page);
  set_free_link(chunk, page.free);
  page.free = ref;
  --page.used;
  --classes_[page.slab_class].used;
  if (page.draining) {
    ++classes_[page.slab_class].shut;
  } else if (was_full) {
    add_roomy(index);
  }
  if (page.used == 0) retire_page(index);
}

void SlabAllocator::drain(PageIndex at, ClassIndex heir) {
  Page& page = pages_[at];
  if (page.draining) return;
  if (!is_full(page)) remove_roomy(at);
  page.draining = true;
  page.heir = heir;
  classes_[page.slab_class].shut += classes_[page.slab_class].chunks_per_page - page.used;
  if (page.used == 0) retire_page(at);
}

void SlabAllocator::undrain(PageIndex at) {
  Page& page = pages_[at];
  assert(page.draining);
  classes_[page.slab_class].shut -= classes_[page.slab_class].chunks_per_page - page.used;
  page.draining = false;
  page.heir = kNoClass;
  if (!is_full(page)) add_roomy(at);
}

void SlabAllocator::set_page_limit(PageIndex limit) {
  page_limit_ = std::min(limit, page_limit_max_);
  while (in_use_ + pooled_ > page_limit_ && pool_ != kNoPage) {
    const PageIndex at = pool_;
    pool_ = pages_[at].roomy_next;
    --pooled_;
    park(at);
  }
  while (in_use_ + pooled_ < page_limit_ && parked_ != kNoPage) {
    const PageIndex at = parked_;
    parked_ = pages_[at].roomy_next;
    --parked_pages_;
    push_pool(at);
  }
  const std::size_t end = std::size_t{page_count() + unused_pages()} << page_shift_;
  if (prepared_.bytes() <= end) return;
  region_.release(end, prepared_.bytes() - end);
  prepared_.gave_back(end);
}

char* SlabAllocator::next_to_prepare() {
  const std::size_t end = std::size_t{page_count() + unused_pages()} << page_shift_;
  const auto next = prepared_.next(std::size_t{page_count()} << page_shift_, end);
  return next ? region_.memory(*next * kHugePageBytes) : nullptr;
}

// A page without used chunks leaves its class.
void SlabAllocator::retire_page(PageIndex at) {
  const ClassIndex heir = pages_[at].heir;
  leave_class(at);
  if (heir != kNoClass) {
    enter_class(at, heir);
  } else if (in_use_ + pooled_ >= page_limit_) {
    park(at);
  } else {
    push_pool(at);
  }
}

void SlabAllocator::push_pool(PageIndex at) {
  pages_[at] = Page{};
  pages_[at].roomy_next = pool_;
  pool_ = at;
  ++pooled_;
}

void SlabAllocator::park(PageIndex at) {
  region_.release(std::size_t{at} << page_shift_, page_bytes_);
  pages_[at] = Page{};
  pages_[at].roomy_next = parked_;
  parked_ = at;
  ++parked_pages_;
}

void SlabAllocator::enter_class(PageIndex at, ClassIndex owner) {
  SlabClass& slab_class = classes_[owner];
  Page& page = pages_[at];
  page = Page{};
  page.slab_class = owner;
  page.position = static_cast<std::uint32_t>(slab_class.pages.size());
  slab_class.pages.push_back(at);
  page_class(at).store(static_cast<std::uint8_t>(owner + 1), std::memory_order_relaxed);
  ++in_use_;
  add_roomy(at);
}

void SlabAllocator::leave_class(PageIndex at) {
  const Page& page = pages_[at];
  SlabClass& slab_class = classes_[page.slab_class];
  if (page.draining) {
    slab_class.shut -= slab_class.chunks_per_page;
  } else {
    remove_roomy(at);
  }
  const PageIndex last = slab_class.pages.back();
  slab_class.pages[page.position] = last;
  pages_[last].position = page.position;
  slab_class.pages.pop_back();
  page_class(at).store(0, std::memory_order_relaxed);
  --in_use_;
}

void SlabAllocator::add_roomy(PageIndex at) {
  PageIndex& first = classes_[pages_[at].slab_class].roomy;
  pages_[at].roomy_previous = kNoPage;
  pages_[at].roomy_next = first;
  if (first != kNoPage) pages_[first].roomy_previous = at;
  first = at;
}

void SlabAllocator::remove_roomy(PageIndex at) {
  const Page& page = pages_[at];
  PageIndex& first = classes_[page.slab_class].roomy;
  if (page.roomy_previous == kNoPage) {
    first = page.roomy_next;
  } else {
    pages_[page.roomy_previous].roomy_next = page.roomy_next;
  }
  if (page.roomy_next != kNoPage) pages_[page.roomy_next].roomy_previous = page.roomy_previous;
}

}  // namespace ringcache::store
