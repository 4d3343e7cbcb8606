// What a change of the ring moves: the figures of a reload and of `--check --against`.
#pragma once

#include <string>
#include <vector>

#include "routing/ring.h"

namespace ringcache::routing {

struct NodeChange {
  std::string name;
  double share_before = 0;  // of the hash space; 0 for a new node
  double share_after = 0;   // 0 for one that has gone or drains
  double lost = 0;          // what it had and others get
  double gained = 0;        // what it gets and others had
};

struct RingChange {
  double moved = 0;               // share of the hash space whose owner has another name
  bool exact = true;              // false: sampled, good to about 0.001
  std::vector<NodeChange> nodes;  // every node of either ring, by name
};

// Compares two rings by the names of the owners. Exact, by walking the hash space, where both
// rings use the same hash and have a like structure: native with native, points with points, modula
// with modula as long as the period of the two moduli is short. Otherwise 2^20 fixed keys are
// placed on both. Takes milliseconds; pure.
//
// It speaks of hash values, or of whole keys when sampling; a hash tag that changes moves keys that
// no ring can know of.
RingChange compare_rings(const Ring& before, const Ring& after);

// RingChange::moved alone: 0 to 1.
double remapped_ratio(const Ring& before, const Ring& after);

}  // namespace ringcache::routing
