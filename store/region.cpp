#include "store/region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

namespace ringcache::store {
namespace {

constexpr std::size_t kReferenceMax = kGhostBit - 1;

unsigned shift_for(std::size_t bytes) {
  unsigned shift = 3;
  while ((bytes >> shift) >= kReferenceMax) ++shift;
  return shift;
}

std::size_t in_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Mapping::Mapping(std::size_t bytes) : bytes_(in_pages(bytes)) {
  const std::size_t spare = bytes_ < kHugePageBytes ? 0 : kHugePageBytes;
  void* mapped = mmap(nullptr, bytes_ + spare, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  const std::size_t beyond = reinterpret_cast<std::uintptr_t>(mapped) % kHugePageBytes;
  const std::size_t slack = spare == 0 || beyond == 0 ? 0 : kHugePageBytes - beyond;
  data_ = static_cast<char*>(mapped) + slack;
  if (slack > 0) munmap(mapped, slack);
  if (slack < spare) munmap(data_ + bytes_, spare - slack);
  // Where the system uses huge pages everywhere, too: what is resident is what was touched.
  if (spare > 0) madvise(data_, bytes_, MADV_NOHUGEPAGE);
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
