// Replicas: which nodes of a replicated pool have the copies of a key, and in which order they are
// read. Made with the routing table; immutable, any thread, allocates nothing when asked.
//
// Copies are placed as replica_placement.h says, over the first kOrderMax nodes of the key's own
// order, so that asking costs the same however many zones there are. On the native ring it asks
// every node for its bid, some 5 ns a node.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "routing/pool_options.h"
#include "routing/replica_placement.h"
#include "routing/ring.h"

namespace ringcache::routing {

// The nodes that have a key, the owner first.
struct ReplicaSet {
  std::array<NodeIndex, kReplicasMax> nodes;
  std::size_t count = 0;

  std::span<NodeIndex> all() { return {nodes.data(), count}; }
  std::span<const NodeIndex> all() const { return {nodes.data(), count}; }
};

class Replicas {
 public:
  // How many nodes of a key's order are looked at.
  static constexpr std::size_t kOrderMax = 8;

  // `own_zone`: where this process is; empty: not said.
  Replicas(const PoolOptions& options, std::string_view own_zone);

  // Whether keys have more than one copy.
  bool any() const { return count_ > 1; }
  // `hash`: as the ring takes it.
  ReplicaSet of(const Ring& ring, std::uint64_t hash) const;
  // The same nodes, those in the own zone first.
  void put_near_first(ReplicaSet& set) const;

 private:
  std::size_t count_;
  std::vector<ZoneIndex> zones_;  // by NodeIndex; empty: no node says its zone
  ZoneIndex own_zone_ = kNoZone;
};

}  // namespace ringcache::routing
