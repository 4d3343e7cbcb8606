// What the node calls itself. Constants; any thread.
#pragma once

namespace ringcache::store {

extern const char* const kRingcacheVersion;
extern const char* const kRingcacheRevision;  // of the source, "unknown" without git

// The answer to `version` and the `version` of `stats`. Clients read numbers from its start to know
// what the server can do (libmemcached: three, with dots), so it begins with the memcached release
// whose protocol the node speaks.
extern const char* const kProtocolVersion;

}  // namespace ringcache::store
