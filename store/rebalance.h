// Which class gives a page to which. Pure: figures in, a decision out.
//
// Two occasions. A class that can neither find nor evict a chunk takes a page at once
// (choose_donor). And Store::maintain evens out the classes' ages over time (choose_move): a class
// that evicts young items takes from one whose oldest item is much older, since what is thrown away
// there has not been read for longer. It is memcached's rule, with its constants.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "store/slab.h"

namespace ringcache::store {

struct ClassPressure {
  std::uint32_t pages = 0;
  std::uint64_t free_chunks = 0;
  std::uint32_t chunks_per_page = 1;
  Seconds tail_age = 0;         // seconds since the last access of what it would evict next
  std::uint64_t evictions = 0;  // since the last decision
  bool excluded = false;        // was tried and has nothing to give
};

struct PageMove {
  ClassIndex from;
  ClassIndex to;
};

// The class that `taker` should take a page from, now: one with a page's worth of free chunks, else
// the one with the oldest tail, rather one with several pages; itself when there is no other.
std::optional<ClassIndex> choose_donor(std::span<const ClassPressure> classes, ClassIndex taker);

// A move that makes the classes' ages more equal, if one is worth while.
std::optional<PageMove> choose_move(std::span<const ClassPressure> classes);

}  // namespace ringcache::store
