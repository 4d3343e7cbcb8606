#include "store/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace ringcache::store {

// Without huge pages, or without one to spare, it is 512 small ones.
PrepareStatus prepare_huge_page(char* at, HugePageUse use) {
  madvise(at, kHugePageBytes, MADV_HUGEPAGE);
  const bool done = madvise(at, kHugePageBytes, MADV_POPULATE_WRITE) == 0;
  const bool is_unknown = !done && errno == EINVAL;
  // Splits nothing: what is a huge page stays one.
  if (use == HugePageUse::kOnce) madvise(at, kHugePageBytes, MADV_NOHUGEPAGE);
  if (done) return PrepareStatus::kPrepared;
  return is_unknown ? PrepareStatus::kUnsupported : PrepareStatus::kNoMemory;
}

bool huge_pages_allowed() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string words;
  return std::getline(file, words) && words.find("[never]") == std::string::npos;
}

void PreparedMemory::grew(std::size_t from_bytes, std::size_t to_bytes) {
  constexpr std::size_t kHalf = kHugePageBytes / 2;
  const bool passed_middle =
      (from_bytes + kHalf) / kHugePageBytes != (to_bytes + kHalf) / kHugePageBytes;
  if (growth_ == nullptr || !passed_middle) return;
  growth_->fetch_add(1, std::memory_order_relaxed);
  growth_->notify_one();
}

std::optional<std::size_t> PreparedMemory::next(std::size_t used_bytes, std::size_t limit_bytes) {
  if (used_bytes % kHugePageBytes < kHugePageBytes / 2) return std::nullopt;
  const std::size_t range = used_bytes / kHugePageBytes + 1;
  if (range < ready_ || (range + 1) * kHugePageBytes > limit_bytes) return std::nullopt;
  ready_ = range + 1;
  return range;
}

void PreparedMemory::gave_back(std::size_t from_bytes) {
  ready_ = std::min(ready_, (from_bytes + kHugePageBytes - 1) / kHugePageBytes);
}

}  // namespace ringcache::store
