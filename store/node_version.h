// What the node calls itself.
#pragma once

namespace ringcache::store {

inline constexpr const char* kRingcacheVersion = RINGCACHE_VERSION;
inline constexpr const char* kRingcacheRevision = RINGCACHE_REVISION;

// The answer to `version` and the `version` of `stats`. Clients read numbers from its start to know
// what the server can do (libmemcached: three, with dots), so it begins with the memcached release
// whose protocol the node speaks.
inline constexpr const char* kProtocolVersion = "1.6.18-ringcache-" RINGCACHE_VERSION;

}  // namespace ringcache::store
