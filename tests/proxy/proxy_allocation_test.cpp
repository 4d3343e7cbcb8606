// Steady traffic through the proxy allocates nothing on its workers.
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "proxy/proxy_server.h"
#include "tests/store/node_fixture.h"
#include "tests/support/binary_packet.h"
#include "tests/support/malloc_counter.h"

using ringcache::store::testing::check_exchange;
using ringcache::store::testing::set_request;
using ringcache::store::testing::TestNode;
using ringcache::store::testing::value_reply;
using ringcache::testing::allocations;
using ringcache::testing::counting_allocations;
using namespace ringcache;
using net::testing::Client;
using net::testing::pattern;

namespace {

constexpr int kNodes = 3;
constexpr int kKeys = 16;

proxy::ProxyOptions options_over(const std::vector<std::unique_ptr<TestNode>>& nodes,
                                 routing::PoolOptions pool) {
  pool.name = "main";
  pool.timeouts.request = std::chrono::seconds(30);  // no failure on a busy machine
  for (const auto& node : nodes) {
    pool.backends.push_back(routing::parse_backend(node->node.bound().front().text()).backend);
  }
  proxy::ProxyOptions options;
  options.listen = {"127.0.0.1:0"};
  options.threads = 2;
  options.pools = {pool};
  if (!pool.shadow.pool.empty()) {
    options.pools.push_back(pool);
    options.pools.back().name = pool.shadow.pool;
    options.pools.back().shadow = {};
    options.pools.back().backends.pop_back();
  }
  return options;
}

struct Traffic {
  std::string requests;
  std::string answers;

  void add(const std::string& request, const std::string& answer) {
    requests += request;
    answers += answer;
  }
};

// Every kind of request with a key, hits and misses, spread over the nodes; values small and large.
Traffic mixed_traffic() {
  Traffic traffic;
  std::string multiget = "get";
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = "key" + std::to_string(i);
    const std::string value = pattern(i % 4 == 3 ? 30'000 : 100, i);
    traffic.add(set_request(key, value), "STORED\r\n");
    traffic.add("get " + key + "\r\n", value_reply(key, value) + "END\r\n");
    multiget += " absent" + std::to_string(i);
  }
  traffic.add(multiget + "\r\n", "END\r\n");
  traffic.add("set quiet 0 0 1 noreply\r\n1\r\n", "");
  traffic.add("set n 0 0 1\r\n1\r\nincr n 1\r\nappend n 0 0 1\r\n0\r\nmg n v t\r\nma n\r\n",
              "STORED\r\n2\r\nSTORED\r\nVA 2 t-1\r\n20\r\nHD\r\n");
  traffic.add("ms n 1 T9\r\n7\r\ntouch n 0\r\ngat 0 n\r\nmd n\r\ndelete n\r\nbogus\r\nmn\r\n",
              "HD\r\nTOUCHED\r\nVALUE n 0 1\r\n7\r\nEND\r\nHD\r\nNOT_FOUND\r\nERROR\r\nMN\r\n");
  return traffic;
}

// The same of a client of the binary protocol, keys with spaces among them; in the end a noop, for
// the quiet ones. Every CAS is 0.
Traffic binary_traffic() {
  using namespace std::string_view_literals;
  using test::answer_packet;
  using test::request_packet;
  constexpr std::string_view kStoreExtras = "\0\0\0\7\0\0\0\0"sv;
  constexpr std::string_view kNumberExtras = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5\0\0\0\0"sv;
  Traffic traffic;
  for (std::uint32_t i = 0; i < kKeys; ++i) {
    const std::string key = (i % 2 == 0 ? "key" : "a key ") + std::to_string(i);
    const std::string value = pattern(i % 4 == 3 ? 30'000 : 100, static_cast<int>(i));
    traffic.requests += request_packet(
        {.opcode = 0x11, .key = key, .extras = kStoreExtras, .value = value, .opaque = i});
    traffic.add(request_packet({.opcode = 0x0d, .key = key, .opaque = i}),
                answer_packet({.opcode = 0x0d,
                               .key = key,
                               .extras = kStoreExtras.substr(0, 4),
                               .value = value,
                               .opaque = i}));
    traffic.requests += request_packet({.opcode = 0x19, .key = key, .value = "+"});
    traffic.add(request_packet({.opcode = 0x0c, .key = "absent" + key, .opaque = i}),
                answer_packet({.opcode = 0x0c, .key = "absent" + key, .opaque = i, .status = 1}));
    traffic.requests += request_packet({.opcode = 0x09, .key = "absent" + key});
    traffic.requests += request_packet({.opcode = 0x15, .key = "n", .extras = kNumberExtras});
    traffic.requests += request_packet({.opcode = 0x14, .key = key});
  }
  traffic.add(request_packet({.opcode = 0x0a, .opaque = 99}),
              answer_packet({.opcode = 0x0a, .opaque = 99}));
  return traffic;
}

void exchange(std::vector<Client>& clients, const Traffic& traffic, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (Client& client : clients) check_exchange(client, traffic.requests, traffic.answers);
  }
}

}  // namespace

TEST_CASE("steady traffic through the proxy allocates nothing on its workers") {
  routing::PoolOptions pool;
  Traffic traffic = mixed_traffic();
  SUBCASE("each request by itself") {}
  SUBCASE("the binary protocol") {
    traffic = binary_traffic();
  }
  SUBCASE("identical gets together") {
    pool.coalesce = true;
  }
  SUBCASE("several copies of each key") {
    pool.replicas = 2;
  }
  SUBCASE("copied to another pool") {
    pool.shadow = {.pool = "canary", .percent = 60};
  }
  std::vector<std::unique_ptr<TestNode>> nodes;
  store::NodeOptions node_options = store::testing::test_options();
  node_options.cas_enabled = false;
  for (int i = 0; i < kNodes; ++i) nodes.push_back(std::make_unique<TestNode>(node_options));
  proxy::ProxyServer server(options_over(nodes, pool));
  const auto error = server.start();
  REQUIRE_MESSAGE(!error, error.value_or(""));
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(server.bound().front());
  server.io_threads().run_on_all([](net::Worker&) { counting_allocations = true; });
  // Pools and queues grow to what the timing of the nodes' answers asks for, then stay.
  constexpr int kPassesMax = 20;
  std::size_t taken = 1;
  for (int pass = 0; pass < kPassesMax && taken > 0; ++pass) {
    const std::size_t before = allocations;
    exchange(clients, traffic, 100);
    taken = allocations - before;
  }
  server.io_threads().run_on_all([](net::Worker&) { counting_allocations = false; });
  CHECK(taken == 0);
}
