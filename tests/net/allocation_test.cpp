// Steady traffic allocates nothing. Stands in for malloc and its like, since memory also comes from
// aligned_alloc and operator new, and counts on the threads that ask for it.

#include <doctest/doctest.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/net/net_fixture.h"

namespace {

thread_local bool counting = false;
std::atomic<std::size_t> allocations{0};

void count() {
  if (counting) allocations.fetch_add(1);
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  count();
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

using namespace ringcache::net;
using namespace ringcache::net::testing;

namespace {

/// Echoes, half copied and half as slices, through the paths that a server uses.
struct MixedHandler : ConnectionHandler {
  void on_bytes(Connection& connection) override {
    const std::string_view bytes = connection.in().bytes();
    connection.out().append(bytes);
    connection.out().append_slice(
        big, [](void*, void*) {}, nullptr, nullptr);
    connection.in().consume(bytes.size());
    connection.schedule_flush();
  }
  void on_closed(Connection&, const CloseInfo&) override {}
  std::string big = pattern(20'000);
};

void exchange(std::vector<Client>& clients, const std::string& batch, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (Client& client : clients) REQUIRE(client.send(batch));
    for (Client& client : clients)
      REQUIRE(client.receive(batch.size() + 20'000).size() == batch.size() + 20'000);
  }
}

}  // namespace

TEST_CASE("the counter counts") {
  counting = true;
  const std::size_t before = allocations;
  const auto one = std::make_unique<int>(1);
  void* two = std::aligned_alloc(64, 64);
  std::free(two);
  counting = false;
  CHECK(allocations - before == 2);
}

TEST_CASE("steady traffic allocates nothing on the worker") {
  const TestServer server([](Connection&) { return std::make_unique<MixedHandler>(); });
  std::vector<Client> clients;
  for (int index = 0; index < 8; ++index) clients.push_back(server.client());
  std::string batch;
  for (int request = 0; request < 16; ++request)
    batch += "get some_key_" + std::to_string(request) + "\r\n";
  exchange(clients, batch, 50);
  server.threads->run_on_all([](Worker&) { counting = true; });
  const std::size_t before = allocations;
  exchange(clients, batch, 200);
  const std::size_t after = allocations;
  server.threads->run_on_all([](Worker&) { counting = false; });
  CHECK(after == before);
}
