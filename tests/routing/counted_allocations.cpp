#include "counted_allocations.h"

#include <openssl/crypto.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> allocations{0};

void* counted_malloc(std::size_t bytes) {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* openssl_malloc(std::size_t bytes, const char*, int) {
  return counted_malloc(bytes);
}
void* openssl_realloc(void* memory, std::size_t bytes, const char*, int) {
  ++allocations;
  return std::realloc(memory, bytes);
}
void openssl_free(void* memory, const char*, int) {
  std::free(memory);
}

const int kOpensslTookThem =
    CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);

}  // namespace

namespace ringcache::routing {

long allocation_count() {
  return allocations;
}
bool openssl_is_counted() {
  return kOpensslTookThem == 1;
}

}  // namespace ringcache::routing

// The forms that the others (arrays, sized) come down to.
void* operator new(std::size_t bytes) {
  void* memory = counted_malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted_malloc(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
