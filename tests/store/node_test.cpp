// Sessions over real sockets: what depends on how bytes arrive and leave.
#include "store/node.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/log.h"
#include "store/node_version.h"
#include "store/thread_state.h"
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

namespace {

// The counters of the exposition format, by name and labels.
std::map<std::string, double> scraped_counters(const Node& node) {
  Client scraper(*node.metrics_bound());
  REQUIRE(scraper.send("GET /metrics HTTP/1.1\r\n\r\n"));
  std::istringstream lines(scraper.receive_all());
  std::map<std::string, double> counters;
  bool is_counter = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) is_counter = line.ends_with(" counter");
    const std::size_t space = line.rfind(' ');
    if (is_counter && !line.starts_with('#'))
      counters[line.substr(0, space)] = std::stod(line.substr(space));
  }
  return counters;
}

}  // namespace

TEST_CASE("stats reset leaves the metrics alone") {
  NodeOptions options = test_options();
  options.metrics = net::Address::tcp("127.0.0.1", 0);
  TestNode server(options);
  Client client = server.client();
  check_exchange(client,
                 set_request("k", "v") + "mg k v\r\nget k absent\r\ndelete k\r\nnonsense\r\n",
                 "STORED\r\nVA 1\r\nv\r\nVALUE k 0 1\r\nv\r\nEND\r\nDELETED\r\nERROR\r\n");
  const std::map<std::string, double> before = scraped_counters(server.node);
  CHECK(before.at("ringcache_node_commands_total{command=\"get\",status=\"hit\"}") == 2);
  check_exchange(client, "stats reset\r\n", "RESET\r\n");
  std::map<std::string, double> after = scraped_counters(server.node);
  for (const auto& [name, value] : before) {
    CAPTURE(name);
    CHECK(after[name] >= value);
  }
}

TEST_CASE("a reset at the same moment never takes a counter below zero") {
  const TestNode server;
  constexpr int kRounds = 300;
  std::string sets;
  for (int i = 0; i < 500; ++i) sets += "set k 0 0 1 noreply\r\nv\r\n";
  std::atomic<bool> done{false};
  std::thread writing([&] {
    Client client = server.client();
    while (!done) check_exchange(client, sets + "mn\r\n", "MN\r\n");
  });
  std::thread resetting([&] {
    Client client = server.client();
    while (!done) check_exchange(client, "stats reset\r\n", "RESET\r\n");
  });
  std::size_t longest = 0;
  for (int round = 0; round < kRounds; ++round) {
    longest = std::max({longest, server.stat("cmd_set").size(), server.stat("bytes_read").size()});
  }
  done = true;
  writing.join();
  resetting.join();
  CHECK(longest < 15);
}

namespace {

// A log that looks at who writes to it.
struct WatchedLog : std::streambuf {
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    const std::string_view line(text, static_cast<std::size_t>(count));
    if (line.find("watched-key") != std::string_view::npos) ++lines;
    if (batches_of_this_thread != nullptr) ++in_batch;
    return count;
  }
  int overflow(int c) override { return c; }

  std::atomic<int> lines{0};
  std::atomic<int> in_batch{0};
};

}  // namespace

TEST_CASE("a slow log does not hold up the store: request lines are logged outside of batches") {
  NodeOptions options = test_options();
  options.verbosity = 2;
  const TestNode server(options);
  WatchedLog log;
  std::ostream out(&log);
  net::set_up_log({.level = net::LogLevel::kDebug, .out = &out});
  Client client = server.client();
  check_exchange(client, set_request("watched-key", "v") + "get watched-key\r\nmd watched-key\r\n",
                 "STORED\r\n" + value_reply("watched-key", "v") + "END\r\nHD\r\n");
  client.close();
  server.wait_for_stat("curr_connections", "1");
  net::set_up_log({});
  CHECK(log.lines == 3);
  CHECK(log.in_batch == 0);
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

TEST_CASE("a drain lets values end that are half-way, and what was asked before and behind them") {
  for (const int timeout_s : {0, 30}) {
    for (const std::size_t size : {std::size_t{1000}, std::size_t{500'000}}) {
      CAPTURE(timeout_s);
      CAPTURE(size);
      NodeOptions options = test_options();
      options.threads = 1;  // so that the drain begins for all at once
      options.upload_timeout = std::chrono::seconds(timeout_s);
      TestNode server(options);
      Client client = server.client();
      Client idle = server.client();
      const std::string value = pattern(size);
      const std::string request = set_request("k", value);
      check_exchange(client, "mn\r\n" + request.substr(0, 500), "MN\r\n");
      check_exchange(idle, "mn\r\n", "MN\r\n");
      bool all_ended = false;
      std::thread drain([&] { all_ended = server.node.drain(); });
      CHECK(idle.receive_all().empty());  // nothing of it is half-way: the drain has begun
      // What begins behind it is not awaited.
      REQUIRE(client.send(request.substr(500) + "get k\r\nset late 0 0 5\r\n12"));
      const bool answered =
          client.receive_all() == "STORED\r\n" + value_reply("k", value) + "END\r\n";
      CHECK(answered);
      client.close();  // some of what it sent was not read
      drain.join();
      CHECK(all_ended);
    }
  }
}

TEST_CASE("a drain does not wait for a value without an end, nor for what is refused") {
  NodeOptions options = test_options();
  options.shutdown_grace = std::chrono::milliseconds(1);
  TestNode server(options);
  Client half = server.client();
  check_exchange(half, "mn\r\nset k 0 0 5000\r\n12", "MN\r\n");
  CHECK_FALSE(server.node.drain());
  CHECK(half.receive_all().empty());

  TestNode other;
  Client refused = other.client();
  check_exchange(refused, "set k 0 0 5000000\r\n12", "SERVER_ERROR object too large for cache\r\n");
  CHECK(other.node.drain());
  CHECK(refused.receive_all().empty());
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
