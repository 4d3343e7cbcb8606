// The fields of one pool and of its nodes. See proxy_fields.h.
#pragma once

#include <vector>

#include "config/codec.h"
#include "routing/pool_options.h"

namespace ringcache::config {

const Table<routing::PoolOptions>& pool_table();

// The list of a pool's nodes, which may also stand at the top level.
Codec<std::vector<routing::Backend>> nodes_codec();

}  // namespace ringcache::config
