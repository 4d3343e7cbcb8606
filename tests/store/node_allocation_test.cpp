// Steady traffic allocates nothing on the workers.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/store/node_fixture.h"
#include "tests/support/malloc_counter.h"

using ringcache::testing::allocations;
using ringcache::testing::counting_allocations;
using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;
using net::testing::pattern;

namespace {

// Every command of the data path, small values and large ones, hits and misses.
struct Traffic {
  std::string requests;
  std::string answers;
};

Traffic mixed_traffic() {
  Traffic traffic;
  std::string multiget = "get";
  std::string multiget_answer;
  for (int i = 0; i < 16; ++i) {
    const std::string key = "key" + std::to_string(i);
    const std::string value = pattern(i % 4 == 3 ? 30'000 : 100, i);
    traffic.requests += set_request(key, value) + "get " + key + "\r\n";
    traffic.answers += "STORED\r\n" + value_reply(key, value) + "END\r\n";
    multiget += ' ' + key + " absent" + std::to_string(i);
    multiget_answer += value_reply(key, value);
  }
  traffic.requests += multiget + "\r\n";
  traffic.answers += multiget_answer + "END\r\n";
  traffic.requests +=
      "set n 0 0 1\r\n1\r\nincr n 1\r\nappend n 0 0 1\r\n0\r\nmg n v t\r\nma n\r\nms n 1 "
      "T9\r\n7\r\n"
      "touch n 0\r\ngat 0 n\r\nmd n\r\ndelete n\r\nbogus\r\nmn\r\n";
  traffic.answers +=
      "STORED\r\n2\r\nSTORED\r\nVA 2 t-1\r\n20\r\nHD\r\nHD\r\nTOUCHED\r\nVALUE n 0 "
      "1\r\n7\r\nEND\r\n"
      "HD\r\nNOT_FOUND\r\nERROR\r\nMN\r\n";
  return traffic;
}

void exchange(std::vector<Client>& clients, const Traffic& traffic, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (Client& client : clients) check_exchange(client, traffic.requests, traffic.answers);
  }
}

}  // namespace

TEST_CASE("steady traffic allocates nothing on the workers") {
  TestNode server;
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(server.client());
  const Traffic traffic = mixed_traffic();
  exchange(clients, traffic, 30);
  server.node.io_threads().run_on_all([](net::Worker&) { counting_allocations = true; });
  const std::size_t before = allocations;
  exchange(clients, traffic, 100);
  const std::size_t after = allocations;
  server.node.io_threads().run_on_all([](net::Worker&) { counting_allocations = false; });
  CHECK(after == before);
}
