// Huge pages for memory that is in use: a range of 2 MiB that is wholly touched can be put into one
// page, in place, while others read and write it. A get of one among a million items is two misses
// of the cache and, with pages of 4 KiB, two of the TLB; with huge pages the latter are gone.
//
// Only ranges that are full are collapsed: no memory is held that was not before, and no request
// waits for 2 MiB when it touches the first byte of them, as it does with `-L` (MADV_HUGEPAGE).
//
// Source: madvise(2), MADV_COLLAPSE (Linux 6.1); Documentation/admin-guide/mm/transhuge.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringcache::store {

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

enum class CollapseStatus : std::uint8_t {
  kNothing,      // no range is full and not in a huge page already
  kCollapsed,    // one more is
  kBusy,         // this range can't be now: another may
  kNoMemory,     // the system has no huge page to spare now
  kUnsupported,  // the system can't, or its administrator does not want it
};

// Puts the 2 MiB at `at`, a multiple of that, into a huge page; takes about 1 ms. Any thread;
// others that touch the range wait for a part of that time.
CollapseStatus collapse(char* at);

// Whether the system's administrator left huge pages to the programs, or wants them everywhere
// (/sys/kernel/mm/transparent_hugepage/enabled). MADV_COLLAPSE itself does not ask that.
bool huge_pages_allowed();

// Which ranges of a mapping are in huge pages, as far as we know. Its owner locks.
class HugeRanges {
 public:
  explicit HugeRanges(std::size_t bytes) : is_huge_(bytes / kHugePageBytes) {}

  std::size_t count() const { return is_huge_.size(); }
  bool is_huge(std::size_t range) const { return is_huge_[range]; }
  std::size_t huge() const { return huge_; }
  void set(std::size_t range, bool huge);
  // A part of the mapping was given back to the system, which cuts up what it touches.
  void forget(std::size_t offset, std::size_t bytes);

 private:
  std::vector<bool> is_huge_;
  std::size_t huge_ = 0;
};

}  // namespace ringcache::store
