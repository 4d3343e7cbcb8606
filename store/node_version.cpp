#include "store/node_version.h"

namespace ringcache::store {

const char* const kRingcacheVersion = RINGCACHE_VERSION;
const char* const kRingcacheRevision = RINGCACHE_REVISION;
const char* const kProtocolVersion = "1.6.18-ringcache-" RINGCACHE_VERSION;

}  // namespace ringcache::store
