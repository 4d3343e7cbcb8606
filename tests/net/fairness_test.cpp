// Who waits for whom in a turn of the loop (event_loop.h).
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/event_loop.h"
#include "net/worker.h"
#include "tests/net/net_fixture.h"
#include "tests/net/scripted_handler.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;

namespace {

// A server whose work takes the time that its clients say: each letter of a line is 10 microseconds
// of a clock that stands still otherwise. Answers the line and notes who was served in which turn.
class CostlyServer {
 public:
  explicit CostlyServer(bool reads_clock = true) : reads_clock_(reads_clock) {
    script_.bytes = [this](Connection& connection) { serve(connection); };
    server_.emplace(scripted(script_), ListenerOptions{}, 1, &clock_);
  }

  // Holds the worker while `meanwhile` runs, so that what is sent comes in one turn.
  template <typename Call>
  void hold(Call meanwhile) {
    std::promise<void> held;
    std::promise<void> go_on;
    std::thread holder([&] {
      server_->threads->run_on_all([&](Worker&) {
        held.set_value();
        go_on.get_future().wait();
      });
    });
    held.get_future().wait();
    meanwhile();
    go_on.set_value();
    holder.join();
  }

  struct Served {
    std::string line;
    std::uint64_t turn;
  };
  std::vector<Served> take_served() {
    const std::lock_guard lock(mutex_);
    return std::exchange(served_, {});
  }
  std::string take_lines() {
    std::string lines;
    for (const Served& each : take_served()) lines += each.line.substr(0, 1);
    return lines;
  }

  const TestServer& server() const { return *server_; }

 private:
  void serve(Connection& connection) {
    Worker& worker = connection.worker();
    std::string line;
    while (take_line(connection, line)) {
      clock_.advance(std::chrono::microseconds(10) * line.size());
      const std::lock_guard lock(mutex_);
      served_.push_back({line, worker.stats().turns.value()});
      connection.out().append(line + "\n");
    }
    if (reads_clock_) worker.precise_ns();
  }

  const bool reads_clock_;
  ManualClock clock_;
  Script script_;
  std::mutex mutex_;
  std::vector<Served> served_;
  std::optional<TestServer> server_;  // last: its worker uses the others
};

void exchange(Client& client, const std::string& line) {
  REQUIRE(client.send(line + "\n"));
  REQUIRE(client.receive(line.size() + 1) == line + "\n");
}

// 100 microseconds, twice what makes a connection heavy.
const std::string kHeavyLine(10, 'h');
const std::string kLightLine = "l";

}  // namespace

TEST_CASE("who had much to do comes after who has little") {
  CostlyServer costly;
  Client heavy = costly.server().client();
  Client light = costly.server().client();
  exchange(heavy, kHeavyLine);
  exchange(light, kLightLine);
  costly.take_served();
  costly.hold([&] {
    REQUIRE(heavy.send("H\n"));
    REQUIRE(light.send("L\n"));
  });
  CHECK(heavy.receive(2) == "H\n");
  CHECK(light.receive(2) == "L\n");
  CHECK(costly.take_lines() == "LH");
  // It had little to do this time, so it is like the others again.
  costly.hold([&] {
    REQUIRE(heavy.send("H\n"));
    REQUIRE(light.send("L\n"));
  });
  CHECK(heavy.receive(2) == "H\n");
  CHECK(light.receive(2) == "L\n");
  CHECK(costly.take_lines() == "HL");
}

TEST_CASE("a handler that never reads the clock is charged for itself, and not the next one") {
  CostlyServer costly(false);
  Client heavy = costly.server().client();
  Client light = costly.server().client();
  costly.hold([&] {
    REQUIRE(heavy.send(kHeavyLine + "\n"));
    REQUIRE(light.send(kLightLine + "\n"));
  });
  CHECK(heavy.receive(kHeavyLine.size() + 1) == kHeavyLine + "\n");
  CHECK(light.receive(2) == kLightLine + "\n");
  costly.take_served();
  costly.hold([&] {
    REQUIRE(heavy.send("H\n"));
    REQUIRE(light.send("L\n"));
  });
  CHECK(heavy.receive(2) == "H\n");
  CHECK(light.receive(2) == "L\n");
  CHECK(costly.take_lines() == "LH");
}

TEST_CASE("heavy connections have a part of a turn in which others took long") {
  CostlyServer costly;
  constexpr std::size_t kClients = 8;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(costly.server().client());
    exchange(clients.back(), kHeavyLine);
  }
  Client light = costly.server().client();
  costly.take_served();
  // 4 ms, so that the heavy ones have 1 ms: more than all of them need.
  costly.hold([&] {
    for (Client& client : clients) REQUIRE(client.send(kHeavyLine + "\n"));
    REQUIRE(light.send(std::string(400, 'l') + "\n"));
  });
  for (Client& client : clients) REQUIRE(client.receive(kHeavyLine.size() + 1).size() > 1);
  const auto served = costly.take_served();
  REQUIRE(served.size() == kClients + 1);
  // One turn, or two where a busy kernel delivers late; four and more with 200 microseconds each.
  CHECK(served.back().turn <= served.front().turn + 1);
}

TEST_CASE("a drain answers what has come from heavy connections, and from others") {
  CostlyServer costly;
  constexpr std::size_t kClients = 6;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(costly.server().client());
    exchange(clients.back(), i % 2 == 0 ? kHeavyLine : kLightLine);
  }
  std::thread drain;
  costly.hold([&] {
    for (Client& client : clients) REQUIRE(client.send(kHeavyLine + "\n"));
    drain = std::thread([&] { CHECK(costly.server().listener->drain(kPatience)); });
  });
  for (Client& client : clients) CHECK(client.receive_all() == kHeavyLine + "\n");
  drain.join();
}

TEST_CASE("heavy connections share a turn's time, in order, and lose none") {
  CostlyServer costly;
  constexpr std::size_t kClients = 12;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(costly.server().client());
    exchange(clients.back(), kHeavyLine);
  }
  costly.take_served();
  costly.hold([&] {
    for (Client& client : clients) REQUIRE(client.send(kHeavyLine + "\n" + kHeavyLine + "\n"));
  });
  for (Client& client : clients) {
    CHECK(client.receive(2 * (kHeavyLine.size() + 1)) == kHeavyLine + "\n" + kHeavyLine + "\n");
  }
  // Two lines each, of 100 us: one client in each turn takes its 200 us.
  static_assert(kHeavyTurnNs == 200'000);
  const auto served = costly.take_served();
  REQUIRE(served.size() == 2 * kClients);
  for (std::size_t i = 2; i < served.size(); i += 2) {
    CHECK(served[i].turn == served[i - 2].turn + 1);
  }
}

TEST_CASE("what is half there does not take the turn of what comes") {
  CostlyServer costly;
  Client client = costly.server().client();
  exchange(client, kHeavyLine);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.send(kHeavyLine + "\nhalf"));
    REQUIRE(client.receive(kHeavyLine.size() + 1) == kHeavyLine + "\n");
    REQUIRE(client.send("\n"));
    REQUIRE(client.receive(5) == "half\n");
    exchange(client, kHeavyLine);
  }
}

TEST_CASE("a heavy connection that ends its side is answered first") {
  CostlyServer costly;
  Client client = costly.server().client();
  exchange(client, kHeavyLine);
  costly.hold([&] {
    REQUIRE(client.send(kHeavyLine + "\n"));
    client.end_output();
  });
  CHECK(client.receive_all() == kHeavyLine + "\n");
}

TEST_CASE("a handler that leaves off is called again, without bytes too") {
  Script script;
  int calls = 0;
  script.bytes = [&](Connection& connection) {
    connection.in().consume(connection.in().size());
    connection.out().append(std::to_string(++calls));
    if (calls < 5) connection.yield();
  };
  const TestServer server(scripted(script));
  Client client = server.client();
  REQUIRE(client.send("x"));
  CHECK(client.receive(5) == "12345");
}
