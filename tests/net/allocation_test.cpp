// Steady traffic allocates nothing.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/net/net_fixture.h"
#include "tests/support/malloc_counter.h"

using ringcache::testing::allocations;
using ringcache::testing::counting_allocations;
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
  counting_allocations = true;
  const std::size_t before = allocations;
  // volatile: the compiler may leave out an allocation that nobody looks at
  int* volatile one = new int(1);
  void* volatile two = std::aligned_alloc(64, 64);
  delete one;
  std::free(two);
  counting_allocations = false;
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
  server.threads->run_on_all([](Worker&) { counting_allocations = true; });
  const std::size_t before = allocations;
  exchange(clients, batch, 200);
  const std::size_t after = allocations;
  server.threads->run_on_all([](Worker&) { counting_allocations = false; });
  CHECK(after == before);
}
