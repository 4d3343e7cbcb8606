// Counts what a test binary takes from the heap: link malloc_counter.cpp, which stands in for
// malloc and its like, since memory also comes from aligned_alloc and operator new.
#pragma once

#include <atomic>
#include <cstddef>

namespace ringcache::testing {

// Set on the threads that are to be counted.
extern thread_local bool counting_allocations;
// Allocations of those threads while they had it set.
extern std::atomic<std::size_t> allocations;

// Not 0, on a thread: its malloc refuses so many bytes and more.
extern thread_local std::size_t refused_bytes_min;

}  // namespace ringcache::testing
