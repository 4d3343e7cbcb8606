// Which nodes hold the copies of a key, and in which order they are read: decisions alone.
//
// The first replica is the key's owner, wherever it is: zones never move it. Each next one is, of
// the nodes in the key's own order (Ring::candidates), the first in a zone that holds the fewest
// replicas so far. So n replicas span as many zones as there are, up to n; without zones they are
// the first n of the order; and a node that leaves and holds no replica of a key changes nothing
// for it, as long as the ring keeps the order of the others (the native ring always does).
//
// Any thread; nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/backend.h"

namespace ringcache::routing {

// A zone's number within a pool. Nodes without a zone are together in one, kNoZone.
using ZoneIndex = std::uint16_t;
inline constexpr ZoneIndex kNoZone = 0xffff;

// Writes the replicas of a key into `out`, the owner first, as many as fit and there are nodes;
// returns how many. `order`: all candidates of the key. `zones`: by NodeIndex, for every node of
// `order`; or empty, when there are no zones. Costs nodes x replicas x replicas comparisons at
// most.
std::size_t place_replicas(std::span<const NodeIndex> order, std::span<const ZoneIndex> zones,
                           std::span<NodeIndex> out);

// Puts the replicas in `own_zone` before the others and keeps the order within both, so that reads
// stay near. Has no effect when `own_zone` is kNoZone or there are no zones.
void prefer_zone(std::span<NodeIndex> replicas, std::span<const ZoneIndex> zones,
                 ZoneIndex own_zone);

}  // namespace ringcache::routing
