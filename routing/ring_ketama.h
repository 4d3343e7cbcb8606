// The points of libmemcached's and twemproxy's consistent rings, bit for bit.
//
// ketama (libmemcached ketama_weighted, twemproxy `distribution: ketama`):
//   name    the node's own name where it has one (as in twemproxy, where it replaces the address);
//           else "host" when the port is 11211, else "host:port". The host is the text of the
//           configuration, never the resolved address.
//   points  p = floor(float(share * 160 / 4 * n + 1e-10)) * 4 with share = weight / all weights, in
//           32-bit floats from left to right; n and the sum are over the nodes that are not
//           draining. So equal weights do not always give 160: with n = 25 it is 156.
//   values  for k = 0 .. p/4 - 1 the four little-endian words of MD5(name "-" k).
//
// ketama-unweighted (libmemcached's MEMCACHED_DISTRIBUTION_CONSISTENT): 100 points a node, each
//   the *key* hash of name "-" k. Weights are not looked at.
//
// Where the two programs differ: a UNIX socket without a name is "path:0" to libmemcached and
// "path:" to twemproxy; we take libmemcached's, and a node named "path:" has twemproxy's. A name of
// more than about 80 bytes is cut by twemproxy and not by libmemcached; we do not cut.
//
// Source: Ketama (R. Jones, last.fm 2007); behaviour compared with both programs in
// tests/routing/golden_*.py.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "routing/backend.h"
#include "routing/key_hash.h"
#include "routing/point_ring.h"

namespace ringcache::routing {

// What libmemcached and twemproxy call the node on their rings.
std::string ketama_name(const Backend& backend);

// Points that a node of this weight gets beside others; may be 0 when the weights are far apart.
std::uint32_t ketama_point_count(std::uint32_t weight, std::uint32_t weight_sum,
                                 std::uint32_t node_count);

// Draining backends get no points. REQUIRES: the weights add up to less than 2^32.
std::vector<RingPoint> ketama_points(std::span<const Backend> backends);
std::vector<RingPoint> ketama_unweighted_points(KeyHash hash, std::span<const Backend> backends);

}  // namespace ringcache::routing
