// Counts what this test binary takes from the heap, through operator new and inside OpenSSL.
#pragma once

namespace ringcache::routing {

// Allocations since the program started, of all threads.
long allocation_count();

// Whether OpenSSL took our counting functions, as it does before its first allocation.
bool openssl_is_counted();

}  // namespace ringcache::routing
