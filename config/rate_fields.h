// The object `rate_limit` of a pool.
#pragma once

#include "config/codec.h"
#include "routing/rate_limit_options.h"

namespace ringcache::config {

const Table<routing::RateLimitOptions>& rate_limit_table();

}  // namespace ringcache::config
