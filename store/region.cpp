#include "store/region.h"

#include <sys/mman.h>

#include <new>

namespace ringcache::store {
namespace {

constexpr std::size_t kReferenceMax = kGhostBit - 1;

unsigned shift_for(std::size_t bytes) {
  unsigned shift = 3;
  while ((bytes >> shift) >= kReferenceMax) ++shift;
  return shift;
}

}  // namespace

Mapping::Mapping(std::size_t bytes) : bytes_(bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<char*>(mapped);
}

Mapping::~Mapping() {
  munmap(data_, bytes_);
}

void Mapping::release(std::size_t offset, std::size_t bytes) {
  madvise(data_ + offset, bytes, MADV_DONTNEED);
}

bool Mapping::prefer_huge_pages() const {
  return madvise(data_, bytes_, MADV_HUGEPAGE) == 0;
}

Region::Region(std::size_t bytes, std::size_t item_offset)
    : mapping_(bytes),
      item_offset_(item_offset),
      items_(mapping_.data() + item_offset),
      shift_(shift_for(bytes)) {}

}  // namespace ringcache::store
