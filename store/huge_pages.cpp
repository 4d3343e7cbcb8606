#include "store/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace ringcache::store {

CollapseStatus collapse(char* at) {
  if (madvise(at, kHugePageBytes, MADV_COLLAPSE) == 0) return CollapseStatus::kCollapsed;
  switch (errno) {
    case ENOMEM:
      return CollapseStatus::kNoMemory;
    case EAGAIN:
    case EBUSY:
      return CollapseStatus::kBusy;
    default:
      return CollapseStatus::kUnsupported;
  }
}

bool huge_pages_allowed() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string words;
  return std::getline(file, words) && words.find("[never]") == std::string::npos;
}

void HugeRanges::set(std::size_t range, bool huge) {
  if (is_huge_[range] == huge) return;
  is_huge_[range] = huge;
  if (huge) {
    ++huge_;
  } else {
    --huge_;
  }
}

void HugeRanges::forget(std::size_t offset, std::size_t bytes) {
  const std::size_t end = std::min((offset + bytes + kHugePageBytes - 1) / kHugePageBytes, count());
  for (std::size_t range = offset / kHugePageBytes; range < end; ++range) set(range, false);
}

}  // namespace ringcache::store
