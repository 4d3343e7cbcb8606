// Which class gives a page to which. Pure: figures in, a decision out.
//
// A class that can neither find nor evict a chunk takes a page at once (choose_donor). Beside that
// pages move to where they bring more hits (choose_move), by what each class would evict next:
//
//   kHitDensity    as classes evict: a class takes from one whose next victim is much more wasteful
//                  than its own (hit_density.h), so that all classes come to evict items of one
//                  waste, as if memory were not divided into classes
//   kSegmentedLru  once a second: a class that evicts young items takes from one whose oldest item
//                  is much older. It is memcached's rule, with its constants
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
  // How dispensable its next victim is: its waste (kHitDensity), or the seconds since its last
  // access (kSegmentedLru).
  double surplus = 0;
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

// kHitDensity: the class that `taker`, which evicts, should take a page from, if that is worth
// while.
std::optional<ClassIndex> choose_donor_by_waste(std::span<const ClassPressure> classes,
                                                ClassIndex taker);

// kSegmentedLru: a move that makes the classes' ages more equal, if one is worth while.
std::optional<PageMove> choose_move_by_age(std::span<const ClassPressure> classes);

}  // namespace ringcache::store
