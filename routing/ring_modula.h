// ModulaRing: a key belongs to slot (hash modulo slots); each node has as many consecutive slots as
// its weight, in the order of the configuration.
//
// That is twemproxy's `distribution: modula`, and with equal weights libmemcached's default
// (libmemcached looks at no weights here). Any change of the list moves nearly every key: it is
// for moving in from such a deployment, not for staying.
//
// Immutable after construction: any thread, no lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/backend.h"

namespace ringcache::routing {

// The most slots, that is the most that a pool's weights may add up to with this ring.
inline constexpr std::uint64_t kModulaSlotsMax = 1'000'000;

class ModulaRing {
 public:
  // Draining backends get no slots. REQUIRES: the weights add up to kModulaSlotsMax at most.
  explicit ModulaRing(std::span<const Backend> backends);

  // The owner of a hash; kNoNode when there are no slots.
  NodeIndex owner(std::uint32_t hash) const {
    return slots_.empty() ? kNoNode : slots_[hash % static_cast<std::uint32_t>(slots_.size())];
  }

  // The owner and then the others, as many as fit into `out`; returns how many. The originals know
  // no second choice; ours ranks the others by a hash of key and node, so that the keys of a lost
  // node spread over all of them. Costs a few nanoseconds a node.
  std::size_t candidates(std::uint32_t hash, std::span<NodeIndex> out) const;

  std::span<const NodeIndex> slots() const { return slots_; }

 private:
  struct Node {
    std::uint64_t seed;  // from its name
    NodeIndex index;
  };
  std::vector<NodeIndex> slots_;
  std::vector<Node> nodes_;  // those that own slots
};

}  // namespace ringcache::routing
