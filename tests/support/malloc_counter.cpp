#include "tests/support/malloc_counter.h"

#include <cerrno>
#include <cstdlib>

namespace ringcache::testing {

thread_local bool counting_allocations = false;
std::atomic<std::size_t> allocations{0};
thread_local std::size_t refused_bytes_min = 0;

}  // namespace ringcache::testing

namespace {
void count() {
  if (ringcache::testing::counting_allocations) ringcache::testing::allocations.fetch_add(1);
}

bool is_refused(std::size_t bytes) {
  const std::size_t least = ringcache::testing::refused_bytes_min;
  return least != 0 && bytes >= least;
}
}  // namespace

extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  count();
  if (is_refused(bytes)) return nullptr;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) {
  count();
  return __libc_calloc(number, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  count();
  return __libc_realloc(memory, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  count();
  *memory = __libc_memalign(alignment, bytes);
  return *memory != nullptr ? 0 : ENOMEM;
}

}  // extern "C"
