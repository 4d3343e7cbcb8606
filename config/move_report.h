// The text of `--check NEW --against OLD`: what share of the keys a new configuration moves, from
// where and to where.
//
//   pool main: 18.2 % of the keys move (ring ringcache, hash xxh3)
//     node           before    after     loses     gains
//     cache-a        50.00 %   40.91 %    9.09 %    0.00 %
//     cache-b        50.00 %   40.91 %    9.09 %    0.00 %
//     cache-c (new)   0.00 %   18.18 %    0.00 %   18.18 %
//
// Shares are of the hash space, which is of the keys as far as the hash spreads them. Pools are
// matched by name. Prefixes that wander from pool to pool, and a hash tag that changes, move keys
// that no ring knows of; the report says in words that they do.
//
// Pure; builds the rings of both configurations, so it costs what a reload costs.
#pragma once

#include <string>

#include "proxy/proxy_options.h"

namespace ringcache::config {

// REQUIRES: both come from a ConfigResult that is ok(). Ends in a newline.
std::string move_report(const proxy::ProxyOptions& before, const proxy::ProxyOptions& after);

}  // namespace ringcache::config
