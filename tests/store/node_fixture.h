// A node in this process, on free ports, and what its tests say to it.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "store/node.h"
#include "tests/net/net_fixture.h"

namespace ringcache::store::testing {

using net::testing::Client;

inline NodeOptions test_options() {
  NodeOptions options;
  options.listen = {net::Address::tcp("127.0.0.1", 0)};
  options.metrics.reset();
  options.threads = 2;
  return options;
}

// Asks until it is so; a test that asks in vain fails.
template <typename Question>
void eventually(const Question& question) {
  const auto until = std::chrono::steady_clock::now() + net::testing::kPatience;
  while (!question()) REQUIRE(std::chrono::steady_clock::now() < until);
}

// The value of one line of `stats`.
inline std::string stat_of(Client asking, std::string_view name) {
  REQUIRE(asking.send("stats\r\nquit\r\n"));
  const std::string text = asking.receive_all();
  const std::string start = "STAT " + std::string(name) + ' ';
  const std::size_t at = text.find(start);
  REQUIRE(at != std::string::npos);
  return text.substr(at + start.size(), text.find('\r', at) - at - start.size());
}

class TestNode {
 public:
  explicit TestNode(const NodeOptions& options = test_options()) : node(options) {
    const auto error = node.start();
    INFO(error.value_or(""));
    REQUIRE_FALSE(error);
  }

  Client client() const { return Client(node.bound().front()); }

  // Asked on a connection of its own.
  std::string stat(std::string_view name) const { return stat_of(client(), name); }
  void wait_for_stat(std::string_view name, const std::string& value) const {
    eventually([&] { return stat(name) == value; });
  }
  void wait_until_counted(std::string_view name) const {
    eventually([&] { return stat(name) != "0"; });
  }

  Node node;
};

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
  std::string stat(std::string_view name) const { return stat_of(client(), name); }
  bool has_stat(const std::string& line) const {
    return stats().find("STAT " + line + "\r\n") != std::string::npos;
  }

  net::ManualClock clock;
  Node node;
};

// Sends and compares the whole answer.
inline void check_exchange(Client& client, std::string_view request, std::string_view answer) {
  CAPTURE(request.substr(0, 100));
  REQUIRE(client.send(request));
  const bool as_expected = client.receive(answer.size()) == answer;  // may be too long to print
  CHECK(as_expected);
}

inline std::string set_request(const std::string& key, const std::string& value,
                               const std::string& rest = "0 0") {
  return "set " + key + ' ' + rest + ' ' + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

inline std::string value_reply(const std::string& key, const std::string& value) {
  return "VALUE " + key + " 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

}  // namespace ringcache::store::testing
