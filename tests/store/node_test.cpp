// Sessions over real sockets: what depends on how bytes arrive and leave.
#include "store/node.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "store/node_version.h"
#include "tests/store/node_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;
using net::testing::pattern;

TEST_CASE("a pipeline is answered in order, whatever it is made of") {
  const TestNode server;
  Client client = server.client();
  std::string requests;
  std::string answers;
  for (int i = 0; i < 500; ++i) {
    const std::string key = "k" + std::to_string(i);
    const std::string value = pattern(static_cast<std::size_t>(i) * 37 % 3000, i);
    requests += set_request(key, value) + "get " + key + "\r\nbogus\r\nmg " + key + " s\r\n";
    answers += "STORED\r\n" + value_reply(key, value) + "END\r\nERROR\r\nHD s" +
               std::to_string(value.size()) + "\r\n";
  }
  check_exchange(client, requests, answers);
  CHECK(server.stat("protocol_errors") == "500");
}

TEST_CASE("values arrive in any number of pieces") {
  const TestNode server;
  Client client = server.client();
  for (const std::size_t bytes : {3'000, 5'000, 20'000, 300'000, 1'000'000}) {
    for (const std::size_t piece : {1'000, 4'096, 65'537}) {
      CAPTURE(bytes);
      CAPTURE(piece);
      const std::string value = pattern(bytes, piece);
      const std::string request = set_request("k", value) + "get k\r\n";
      for (std::size_t at = 0; at < request.size(); at += piece) {
        REQUIRE(client.send(std::string_view(request).substr(at, piece)));
      }
      const std::string answer = "STORED\r\n" + value_reply("k", value) + "END\r\n";
      const bool as_sent = client.receive(answer.size()) == answer;
      CHECK(as_sent);
    }
  }
  CHECK(server.stat("arriving_bytes") == "0");
  CHECK(server.stat("pinned_bytes") == "0");
}

TEST_CASE("a bad end of a streamed value is refused, and what follows is a command") {
  const TestNode server;
  Client client = server.client();
  check_exchange(
      client, "set k 0 0 20000\r\n" + pattern(20'000) + "xyversion\r\nget k\r\n",
      std::string("CLIENT_ERROR bad data chunk\r\nVERSION ") + kProtocolVersion + "\r\nEND\r\n");
}

TEST_CASE("the data block of a refused command is dropped") {
  const TestNode server;
  Client client = server.client();
  const std::string block = pattern(2'000'000);
  check_exchange(client, "set k 0 0 2000000\r\n" + block + "\r\nmn\r\n",
                 "SERVER_ERROR object too large for cache\r\nMN\r\n");
  // The error comes before the data.
  check_exchange(client, "set k 0 0 2000000\r\n", "SERVER_ERROR object too large for cache\r\n");
  check_exchange(client, block + "\r\nmn\r\n", "MN\r\n");
}

TEST_CASE("a client that does not read is made to wait, and loses nothing") {
  const TestNode server;
  Client client = server.client();
  const std::string value = pattern(900'000);
  check_exchange(client, set_request("big", value), "STORED\r\n");
  constexpr int kGets = 60;  // far more than the sockets hold
  std::string requests;
  for (int i = 0; i < kGets / 2; ++i) requests += "get big\r\nget big absent big\r\nmn\r\n";
  REQUIRE(client.send(requests));
  server.wait_until_counted("output_pauses");
  CHECK(std::stoul(server.stat("pinned_bytes")) < 4'000'000);

  const std::string one = value_reply("big", value);
  for (int i = 0; i < kGets / 2; ++i) {
    CAPTURE(i);
    const std::string answer = one + "END\r\n" + one + one + "END\r\nMN\r\n";
    const bool as_stored = client.receive(answer.size()) == answer;
    REQUIRE(as_stored);
  }
  CHECK(server.stat("pinned_bytes") == "0");
}

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

TEST_CASE("a client that ends its side gets every answer first") {
  const TestNode server;
  Client client = server.client();
  const std::string value = pattern(500'000);
  check_exchange(client, set_request("big", value), "STORED\r\n");
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += "get big\r\n";
  REQUIRE(client.send(requests));
  client.end_output();
  std::string answers;
  for (int i = 0; i < 40; ++i) answers += value_reply("big", value) + "END\r\n";
  const bool all_answered = client.receive_all() == answers;
  CHECK(all_answered);
}

TEST_CASE("a client that goes in the middle of a value leaves nothing behind") {
  const TestNode server;
  for (int i = 0; i < 20; ++i) {
    Client client = server.client();
    REQUIRE(client.send("set k 0 0 1000000\r\n" + pattern(300'000)));
    if (i % 2 == 0) {
      server.wait_for_stat("arriving_bytes", "1000000");
      client.reset();
    } else {
      client.close();
    }
    server.wait_for_stat("arriving_bytes", "0");
  }
  server.wait_for_stat("curr_connections", "1");
  Client client = server.client();
  check_exchange(client, "get k\r\n", "END\r\n");
}

TEST_CASE("a multiget longer than a line, larger than the output may be") {
  const TestNode server;
  Client client = server.client();
  std::string line = "get";
  std::string answer;
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "key_number_" + std::to_string(i);
    if (i % 3 != 0) {
      const std::string value = pattern(1000, i);
      REQUIRE(client.send("set " + key + " 0 0 1000 noreply\r\n" + value + "\r\n"));
      answer += value_reply(key, value);
    }
    line += ' ' + key;
  }
  check_exchange(client, line + "\r\n", answer + "END\r\n");
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

TEST_CASE("stats conns lists the connections of all workers") {
  const TestNode server;
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(server.client());
    check_exchange(clients.back(), "mn\r\n", "MN\r\n");
  }
  REQUIRE(clients[0].send("stats conns\r\nquit\r\n"));
  const std::string text = clients[0].receive_all();
  std::size_t count = 0;
  for (std::size_t at = text.find(":addr tcp:127.0.0.1:"); at != std::string::npos;
       at = text.find(":addr tcp:127.0.0.1:", at + 1)) {
    ++count;
  }
  CHECK(count == 4);
  CHECK(text.find(":listen_addr tcp:" + server.node.bound().front().text()) != std::string::npos);
}

TEST_CASE("stats reset sets counters back and leaves gauges") {
  const TestNode server;
  Client client = server.client();
  check_exchange(client, set_request("k", "v") + "mg k v\r\nget k absent\r\nnonsense\r\n",
                 "STORED\r\nVA 1\r\nv\r\nVALUE k 0 1\r\nv\r\nEND\r\nERROR\r\n");
  CHECK(server.stat("cmd_meta") == "1");
  CHECK(server.stat("get_misses") == "1");
  check_exchange(client, "stats reset\r\n", "RESET\r\n");
  CHECK(server.stat("cmd_meta") == "0");
  CHECK(server.stat("get_misses") == "0");
  CHECK(server.stat("protocol_errors") == "0");
  CHECK(server.stat("curr_items") == "1");
}

TEST_CASE("a drain answers what was asked and ends every connection") {
  TestNode server;
  Client idle = server.client();
  Client busy = server.client();
  const std::string value = pattern(800'000);
  check_exchange(idle, "mn\r\n", "MN\r\n");
  check_exchange(busy, set_request("big", value), "STORED\r\n");
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "get big\r\n";
  REQUIRE(busy.send(requests));
  server.wait_until_counted("output_pauses");
  bool all_answered = false;
  std::thread reader([&] {
    std::string answers;
    for (int i = 0; i < 20; ++i) answers += value_reply("big", value) + "END\r\n";
    all_answered = busy.receive_all() == answers;
  });
  CHECK(server.node.drain());
  reader.join();
  CHECK(all_answered);
  CHECK(idle.receive_all().empty());
  CHECK_FALSE(server.client().connected());
}

namespace {

// A node whose time only passes as the test says.
struct ManualNode {
  explicit ManualNode(const NodeOptions& options) : node(options, clock) {
    REQUIRE_FALSE(node.start());
  }
  Client client() const { return Client(node.bound().front()); }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    node.io_threads().wake();
    node.io_threads().run_on_all([](net::Worker&) {});
  }
  std::string stats() const {
    Client asking = client();
    REQUIRE(asking.send("stats\r\nquit\r\n"));
    return asking.receive_all();
  }
  bool has_stat(const std::string& line) const {
    return stats().find("STAT " + line + "\r\n") != std::string::npos;
  }

  net::ManualClock clock;
  Node node;
};

}  // namespace

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
  slow.receive_all();  // returns when the node has closed
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

TEST_CASE("what can't be started says why") {
  const TestNode server;
  NodeOptions options = test_options();
  options.listen = server.node.bound();
  Node second(options);
  const auto error = second.start();
  REQUIRE(error);
  CHECK(error->find(options.listen.front().text()) != std::string::npos);

  options = test_options();
  options.store.growth_factor = 0.5;
  CHECK_THROWS_AS(Node{options}, std::invalid_argument);
}

TEST_CASE("maintenance frees what has expired") {
  net::ManualClock clock;
  NodeOptions options = test_options();
  Node node(options, clock);
  REQUIRE_FALSE(node.start());
  Client client(node.bound().front());
  check_exchange(client, set_request("k", "v", "0 10") + set_request("stays", "v"),
                 "STORED\r\nSTORED\r\n");
  clock.advance(std::chrono::seconds(11));
  node.io_threads().wake();
  check_exchange(client, "mg k\r\nmg stays\r\n", "EN\r\nHD\r\n");
}
