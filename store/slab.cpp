#include "store/slab.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

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
  const std::size_t least = std::clamp(std::bit_floor(memory_bytes / 64), 16 * kKiB, 64 * kKiB);
  return std::clamp(std::bit_floor(memory_bytes / 1024), least, kMiB);
}

SlabAllocator::SlabAllocator(Region& region, const StoreOptions& options)
    : region_(region),
      page_bytes_(options.page_bytes),
      page_shift_(static_cast<unsigned>(std::countr_zero(options.page_bytes))),
      pages_(region.bytes() / options.page_bytes),
      page_class_(new std::atomic<ClassIndex>[pages_.size()]) {
  for (const std::size_t bytes : chunk_sizes(options, region.chunk_alignment())) {
    SlabClass added;
    added.chunk_bytes = bytes;
    added.chunks_per_page = static_cast<std::uint32_t>(page_bytes_ / bytes);
    classes_.push_back(added);
  }
  class_by_size_.resize(chunk_bytes_max() / 8 + 1);
  ClassIndex at = 0;
  for (std::size_t units = 0; units < class_by_size_.size(); ++units) {
    while (classes_[at].chunk_bytes < units * 8) ++at;
    class_by_size_[units] = at;
  }
  for (PageIndex page = page_count(); page-- > 0;) {
    page_class_[page].store(kNoClass, std::memory_order_relaxed);
    pages_[page].next = pool_;
    pool_ = page;
    ++pool_pages_;
  }
}

std::size_t SlabAllocator::never_used(ClassIndex at) const {
  std::size_t sum = 0;
  const PageIndex first = classes_[at].first;
  for (PageIndex page = first; page != kNoPage;) {
    sum += classes_[at].chunks_per_page - pages_[page].fresh;
    page = pages_[page].next;
    if (page == first) break;
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
    page.free = region_.item(ref)->next;
  } else {
    ref = chunk(index, page.fresh++);
  }
  ++page.used;
  ++page.busy;
  ++owner.used;
  if (is_full(page)) remove_roomy(index);
  region_.item(ref)->place.store(Place::kReserved, std::memory_order_relaxed);
  return ref;
}

bool SlabAllocator::add_page(ClassIndex at) {
  if (pool_ == kNoPage) return false;
  const PageIndex index = pool_;
  Page& page = pages_[index];
  pool_ = page.next;
  --pool_pages_;
  page = Page{};
  page.slab_class = at;
  page_class_[index].store(at, std::memory_order_relaxed);
  ++classes_[at].pages;
  add_to_ring(index);
  add_roomy(index);
  return true;
}

void SlabAllocator::give(ChunkRef ref) {
  const PageIndex index = page_of(ref);
  Page& page = pages_[index];
  assert(page.used > page.busy);
  Item* chunk = region_.item(ref);
  chunk->place.store(Place::kFree, std::memory_order_relaxed);
  const bool was_full = is_full(page);
  chunk->next = page.free;
  page.free = ref;
  --page.used;
  --classes_[page.slab_class].used;
  if (page.draining) {
    if (page.used == 0) give_page(index);
    return;
  }
  if (was_full) add_roomy(index);
  if (page.used == 0) give_page(index);
}

void SlabAllocator::drain(PageIndex at) {
  Page& page = pages_[at];
  if (page.draining) return;
  if (!is_full(page)) remove_roomy(at);
  page.draining = true;
  if (page.used == 0) give_page(at);
}

void SlabAllocator::give_page(PageIndex at) {
  Page& page = pages_[at];
  if (!page.draining) remove_roomy(at);
  remove_from_ring(at);
  --classes_[page.slab_class].pages;
  page = Page{};
  page_class_[at].store(kNoClass, std::memory_order_relaxed);
  page.next = pool_;
  pool_ = at;
  ++pool_pages_;
}

void SlabAllocator::add_to_ring(PageIndex at) {
  PageIndex& first = classes_[pages_[at].slab_class].first;
  if (first == kNoPage) {
    pages_[at].previous = pages_[at].next = at;
    first = at;
    return;
  }
  const PageIndex last = pages_[first].previous;
  pages_[at].previous = last;
  pages_[at].next = first;
  pages_[last].next = at;
  pages_[first].previous = at;
}

void SlabAllocator::remove_from_ring(PageIndex at) {
  PageIndex& first = classes_[pages_[at].slab_class].first;
  const Page& page = pages_[at];
  if (page.next == at) {
    first = kNoPage;
    return;
  }
  pages_[page.previous].next = page.next;
  pages_[page.next].previous = page.previous;
  if (first == at) first = page.next;
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
