// The fields of the proxy's configuration: the one place where they are defined.
//
// proxy_options.h and routing/pool_options.h say what the values mean to the program and have the
// defaults; here are their keys, ranges and words for the operator.
#pragma once

#include "config/codec.h"
#include "proxy/proxy_options.h"

namespace ringcache::config {

// The fields of the whole configuration.
const Table<proxy::ProxyOptions>& proxy_table();

}  // namespace ringcache::config
