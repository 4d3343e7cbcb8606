// Memory that is made ready before it is used: the 2 MiB behind those in use are touched by the
// maintenance thread, as one huge page where the system has one.
//
// A get of one among a million items is two misses of the cache and, with pages of 4 KiB, two of
// the TLB; with huge pages the latter are gone. And a request that takes new memory does not wait
// for the kernel to find and clear it, as it does in pages of 4 KiB, or of 2 MiB with `-L`.
//
//   | in use       in use     in| use   ^           |  ready            |  untouched
//                                       middle passed: the next is made ready
//
// So no more than 3 MiB of the items' memory and of the table are held without being used yet.
// (Collapsing what is in use, MADV_COLLAPSE, was tried: whoever touches it meanwhile waits for a
// thread that may have lost its CPU, 10 to 45 ms where all of them are busy.)
//
// Source: madvise(2), MADV_HUGEPAGE, MADV_POPULATE_WRITE (Linux 5.14);
// Documentation/admin-guide/mm/transhuge.rst.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace ringcache::store {

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

enum class PrepareStatus : std::uint8_t {
  kNothing,      // all that will be used soon is ready
  kPrepared,     // 2 MiB more are
  kNoMemory,     // not now
  kUnsupported,  // the system can't
};

// Touches the 2 MiB at `at`, a multiple of that; what is there stays. Any thread.
// kOnce: one huge page now, and none ever after: a range of which parts were given back would grow
// to 2 MiB again with the first use of another, or by khugepaged. kAlways: after Mapping's
// prefer_huge_pages.
enum class HugePageUse : std::uint8_t { kOnce, kAlways };
PrepareStatus prepare_huge_page(char* at, HugePageUse use);

// Whether the system's administrator left huge pages to the programs, or wants them everywhere
// (/sys/kernel/mm/transparent_hugepage/enabled).
bool huge_pages_allowed();

// Counts what makes it worth while to prepare memory, for a thread that waits for it; see
// StoreOptions::growth.
using GrowthCount = std::atomic<std::uint32_t>;

// How far a mapping, used from its begin on, is ready. Its owner locks.
class PreparedMemory {
 public:
  explicit PreparedMemory(GrowthCount* growth) : growth_(growth) {}

  // More is used than ever: whoever makes memory ready is told when it is time.
  void grew(std::size_t from_bytes, std::size_t to_bytes);
  // The 2 MiB (number, from the begin) to be made ready now, as so many bytes are used and `limit`
  // may be. They count as ready from then on.
  std::optional<std::size_t> next(std::size_t used_bytes, std::size_t limit_bytes);
  // Bytes from the begin that may be touched though nobody used them.
  std::size_t bytes() const { return ready_ * kHugePageBytes; }
  // Of them, those behind so many in use.
  std::size_t beyond(std::size_t used_bytes) const {
    return bytes() - std::min(bytes(), used_bytes);
  }
  // What lies from there on was given back to the system; the rest of its 2 MiB still is ready.
  void gave_back(std::size_t from_bytes);

 private:
  GrowthCount* growth_;
  std::size_t ready_ = 0;  // ranges
};

}  // namespace ringcache::store
