// ModulaRing: a key belongs to slot (hash modulo slots); each node has as many consecutive slots as
// its weight.
//
// That is libmemcached's default, and twemproxy's `distribution: modula`. They differ in the order
// of the nodes. libmemcached takes the list as it is (and knows no weights here). twemproxy sorts
// its servers when it reads its configuration: by the name, or where there is none by "host:port",
// or "host" when the port is 11211; a shorter name first, names of one length by their bytes. For
// a list that is in that order already the two agree.
//
// Any change of the list moves nearly every key: this is for moving in from such a deployment, not
// for staying.
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

enum class ModulaOrder : std::uint8_t { kAsListed, kAsTwemproxy };

// Indices into `backends` in the order of their slots, draining ones included.
std::vector<NodeIndex> modula_order(std::span<const Backend> backends, ModulaOrder order);

class ModulaRing {
 public:
  // Draining backends get no slots. REQUIRES: the weights add up to kModulaSlotsMax at most.
  ModulaRing(std::span<const Backend> backends, ModulaOrder order);

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
