// The limits of docs/node.md over real sockets: what clients can make a node hold, and how long.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "store/node.h"
#include "tests/store/node_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;
using net::testing::pattern;

TEST_CASE("clients that do not read cost a bounded amount of memory together") {
  NodeOptions options = test_options();
  options.threads = 1;
  options.store.item_bytes_max = 8 * kMiB;
  TestNode server(options);
  Client writer = server.client();
  const std::string value = pattern(6'000'000);  // more than the sockets hold
  constexpr std::size_t kItems = 8;
  constexpr std::size_t kClients = 40;
  for (std::size_t i = 0; i < kItems; ++i) {
    check_exchange(writer, set_request("big" + std::to_string(i), value), "STORED\r\n");
  }
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(server.client());
    REQUIRE(clients.back().send("get big" + std::to_string(i % kItems) + "\r\nmn\r\n"));
  }
  server.wait_for_stat("cmd_get", std::to_string(kClients));
  // Each bound is 16 MiB, and the value that goes above it: three values here.
  CHECK(std::stoul(server.stat("pinned_bytes")) <= 3 * value.size());
  CHECK(std::stoul(server.stat("copied_bytes")) <= 3 * value.size());
  CHECK(std::stoul(server.stat("reads_refused")) >= kClients / 2 - 3);
  server.node.io_threads().run_on_all(
      [&](net::Worker& worker) { CHECK(worker.pool().borrowed_bytes() < 4 * value.size()); });
  // Whoever was refused is told so, and served on; the others get what they asked for.
  const std::string refusal = "SERVER_ERROR out of memory writing get response\r\nMN\r\n";
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kClients; ++i) {
    const std::string reply =
        value_reply("big" + std::to_string(i % kItems), value) + "END\r\nMN\r\n";
    std::string text = clients[i].receive(refusal.size());
    if (text == refusal) {
      ++refused;
      continue;
    }
    text += clients[i].receive(reply.size() - text.size());
    const bool whole = text == reply;
    CHECK(whole);
  }
  CHECK(std::to_string(refused) == server.stat("reads_refused"));
  CHECK(server.stat("pinned_bytes") == "0");
  CHECK(server.stat("copied_bytes") == "0");
}

TEST_CASE("a refused multiget has one error, however long it is") {
  NodeOptions options = test_options();
  options.threads = 1;
  options.store.item_bytes_max = 24 * kMiB;
  const TestNode server(options);
  Client client = server.client();
  const std::string value = pattern(18'000'000);
  check_exchange(client, set_request("pinned", value), "STORED\r\n");
  check_exchange(client, set_request("copied", value), "STORED\r\n");
  check_exchange(client, set_request("third", std::string(9000, 'x')), "STORED\r\n");
  Client pinning = server.client();
  REQUIRE(pinning.send("get pinned\r\n"));
  server.wait_for_stat("cmd_get", "1");
  Client copying = server.client();
  REQUIRE(copying.send("get copied\r\n"));
  server.wait_for_stat("cmd_get", "2");
  std::string line = "get small third";
  for (int i = 0; i < 1000; ++i) line += " third";
  check_exchange(client, set_request("small", "s") + line + "\r\nmn\r\n",
                 "STORED\r\n" + value_reply("small", "s") +
                     "SERVER_ERROR out of memory writing get response\r\nMN\r\n");
  CHECK(server.stat("reads_refused") == "1");
}

TEST_CASE("connections above the limit are refused with memcached's text") {
  NodeOptions options = test_options();
  options.connections_max = 2;
  const TestNode server(options);
  Client first = server.client();
  check_exchange(first, "mn\r\n", "MN\r\n");
  Client second = server.client();
  check_exchange(second, "mn\r\n", "MN\r\n");
  Client third = server.client();
  CHECK(third.receive_all() == "ERROR Too many open connections\r\n");
  check_exchange(second, "mn\r\n", "MN\r\n");
}

TEST_CASE("a value that takes too long ends its connection, whatever its kind and pace") {
  NodeOptions options = test_options();
  options.upload_timeout = std::chrono::seconds(4);
  ManualNode server(options);
  Client idle = server.client();
  check_exchange(idle, set_request("k", "older"), "STORED\r\n");
  std::string begin;
  std::string answer;
  std::chrono::milliseconds time{4000};
  SUBCASE("large") {
    begin = "set k 0 0 655360\r\n" + pattern(5000);
    time += std::chrono::seconds(10);
  }
  SUBCASE("small, in the input") {
    begin = "set k 0 0 100\r\nabc";
  }
  SUBCASE("small, after other commands") {
    begin = set_request("other", pattern(5000)) + "set k 0 0 100\r\nabc";
    answer = "STORED\r\n";
  }
  SUBCASE("refused, being dropped") {
    begin = "set other 0 0 6553600\r\nabc";
    answer = "SERVER_ERROR object too large for cache\r\n";
    time += std::chrono::milliseconds(100'000);
  }
  CAPTURE(begin.substr(0, 30));
  Client slow = server.client();
  check_exchange(slow, "mn\r\n" + begin, "MN\r\n" + answer);
  // A byte comes in each part of the time.
  constexpr int kParts = 10;
  for (int part = 0; part < kParts; ++part) {
    CHECK(server.has_stat("upload_kicks 0"));
    REQUIRE(slow.send("x"));
    server.pass(time / kParts);
  }
  server.pass(std::chrono::milliseconds(100));  // that of a small value's bytes
  slow.receive_all();                           // returns when the node has closed
  CHECK(server.has_stat("upload_kicks 1"));
  CHECK(server.has_stat("idle_kicks 0"));
  CHECK(server.has_stat("arriving_bytes 0"));
  check_exchange(idle, "get k\r\n", value_reply("k", "older") + "END\r\n");
}

TEST_CASE("each value has a time of its own") {
  NodeOptions options = test_options();
  options.upload_timeout = std::chrono::seconds(4);
  ManualNode server(options);
  Client client = server.client();
  for (const std::size_t bytes : {100, 5000, 100, 70'000, 100}) {
    CAPTURE(bytes);
    const std::string request = set_request("k", pattern(bytes));
    check_exchange(client, "mn\r\n" + request.substr(0, request.size() / 2), "MN\r\n");
    server.pass(std::chrono::seconds(3));
    check_exchange(client, request.substr(request.size() / 2), "STORED\r\n");
  }
  server.pass(std::chrono::hours(1));
  check_exchange(client, "mn\r\n", "MN\r\n");
  CHECK(server.has_stat("upload_kicks 0"));
}
