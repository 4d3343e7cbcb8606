// The points of the default ring_hash of memcached's built-in proxy (mcp.dist_ring_hash).
//
// 160 points a node, each the low 32 bits of XXH3_64bits("host:port-k"), k = 0 .. 159; the port is
// always there and weights do not exist. A node with a name of its own is placed by the name
// instead, which that proxy cannot do. Keys: low 32 bits of XXH3_64bits with seed 0.
//
// Source: memcached 1.6 proxy_ring_hash.c.
#pragma once

#include <span>
#include <vector>

#include "routing/backend.h"
#include "routing/point_ring.h"

namespace ringcache::routing {

// Draining backends get no points.
std::vector<RingPoint> memcached_proxy_points(std::span<const Backend> backends);

}  // namespace ringcache::routing
