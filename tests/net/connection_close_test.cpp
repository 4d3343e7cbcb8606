// How connections end, and what each side still learns.

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <string>
#include <system_error>

#include "net/connection.h"
#include "tests/net/net_fixture.h"
#include "tests/net/scripted_handler.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

TEST_CASE("close inside on_bytes drops the output and is reported once") {
  Script script;
  script.bytes = [](Connection& connection) {
    connection.out().append("never sent");
    connection.close();
    connection.close();
    CHECK_FALSE(connection.is_open());
    connection.out().append("nor this");
    connection.schedule_flush();
    connection.resume_reading();
  };
  const TestServer server(scripted(script));
  Client client = server.client();
  REQUIRE(client.send("x"));
  CHECK(client.receive_all() == "");
  CHECK(reason_of(script) == CloseReason::kLocal);
  server.threads->run_on_all([](Worker&) {});
  CHECK(script.closed.size() == 0);
}

TEST_CASE("close_after_flush sends what is there, and handles nothing more") {
  const std::string answer = pattern(3'000'000);
  std::atomic<int> calls{0};
  Script script;
  script.bytes = [&](Connection& connection) {
    ++calls;
    connection.in().consume(connection.in().size());
    connection.out().append(answer);
    connection.close_after_flush();
  };
  const TestServer server(scripted(script));
  Client client = server.client();
  REQUIRE(client.send("quit\n"));
  CHECK((client.receive_all() == answer));
  CHECK(calls == 1);
  CHECK(reason_of(script) == CloseReason::kLocal);
}

TEST_CASE("the last words reach a client that is still sending") {
  Script script;
  script.bytes = [](Connection& connection) {
    connection.out().append("SERVER_ERROR too large\r\n");
    connection.close_after_flush();
  };
  const TestServer server(scripted(script));
  for (int round = 0; round < 20; ++round) {
    Client client = server.client();
    REQUIRE(client.send(pattern(1'000'000)));
    CHECK(client.receive_all() == "SERVER_ERROR too large\r\n");
    client.close();
    CHECK(reason_of(script) == CloseReason::kLocal);
  }
}

TEST_CASE("a peer that goes: an orderly end, a reset") {
  Script script;
  script.bytes = echo;
  const TestServer server(scripted(script));
  Client orderly = server.client();
  REQUIRE(orderly.send("abc"));
  orderly.end_output();
  CHECK(orderly.receive_all() == "abc");
  CHECK(reason_of(script) == CloseReason::kPeerClosed);

  Client rude = server.client();
  REQUIRE(rude.send("abc"));
  CHECK(rude.receive(3) == "abc");
  rude.reset();
  const std::optional<CloseInfo> info = script.closed.take();
  REQUIRE(info.has_value());
  CHECK(info->reason == CloseReason::kError);
  CHECK(info->error == std::errc::connection_reset);
}

TEST_CASE("a handler may answer after the end of the input") {
  Connection* waiting = nullptr;
  Mailbox<bool> ended;
  Script script;
  script.bytes = [](Connection& connection) { connection.in().consume(connection.in().size()); };
  script.end_of_input = [&](Connection& connection) {
    waiting = &connection;
    ended.put(true);
  };
  const TestServer server(scripted(script));
  Client client = server.client();
  REQUIRE(client.send("slow question"));
  client.end_output();
  REQUIRE(ended.take().has_value());
  server.threads->run_on_all([&](Worker&) {
    waiting->out().append("late answer");
    waiting->close_after_flush();
  });
  CHECK(client.receive_all() == "late answer");
  CHECK(reason_of(script) == CloseReason::kPeerClosed);
}

TEST_CASE("a peer that hangs up on a paused connection does not keep the loop busy") {
  Connection* paused = nullptr;
  Mailbox<bool> arrived;
  Script script;
  script.bytes = [&](Connection& connection) {
    if (paused == nullptr) {
      connection.pause_reading();
      paused = &connection;
      arrived.put(true);
      return;
    }
    connection.in().consume(connection.in().size());
  };
  const std::string path = "net_test_hangup.sock";
  ListenerOptions options;
  options.addresses = {Address::unix_path(path)};
  const TestServer server(scripted(script), options);
  Client client = server.client();
  REQUIRE(client.send("x"));
  REQUIRE(arrived.take().has_value());
  client.close();
  server.threads->run_on_all([](Worker&) {});
  const std::uint64_t before = (*server.threads)[0].stats().turns.value();
  constexpr std::uint64_t kRounds = 200;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    server.threads->run_on_all([](Worker&) {});
  }
  CHECK((*server.threads)[0].stats().turns.value() - before <= 4 * kRounds);
  server.threads->run_on_all([&](Worker&) { paused->resume_reading(); });
  CHECK(reason_of(script) == CloseReason::kPeerClosed);
}

TEST_CASE("an idle connection is closed when its time is over, a busy one is not") {
  ManualClock clock;
  Script script;
  script.bytes = echo;
  ListenerOptions options;
  options.connection.idle_timeout = 1000ms;
  const TestServer server(scripted(script), options, 1, &clock);
  Client busy = server.client();
  REQUIRE(busy.send("a"));
  CHECK(busy.receive(1) == "a");
  for (int round = 0; round < 5; ++round) {
    clock.advance(900ms);
    server.threads->wake();
    REQUIRE(busy.send("b"));
    CHECK(busy.receive(1) == "b");
  }
  CHECK(script.closed.size() == 0);
  clock.advance(1000ms);
  server.threads->wake();
  CHECK(busy.receive_all() == "");
  CHECK(reason_of(script) == CloseReason::kIdle);
}

namespace {

/// Far more than the kernel's buffers of both sides hold, and a part of it that does not fit there.
constexpr std::size_t kLongAnswer = 64'000'000;
constexpr std::size_t kLongPart = 16'000'000;

}  // namespace

TEST_CASE("a client that reads slowly is not idle, one that stops reading is") {
  ManualClock clock;
  ListenerOptions options;
  options.connection.idle_timeout = 1000ms;
  for (const bool and_close : {false, true}) {
    CAPTURE(and_close);
    const std::chrono::milliseconds limit = and_close ? 10'000ms : 1000ms;
    Script script;
    script.bytes = [and_close](Connection& connection) {
      connection.in().consume(connection.in().size());
      connection.out().append(std::string(kLongAnswer, 'x'));
      if (and_close) connection.close_after_flush();
    };
    const TestServer server(scripted(script), options, 1, &clock);
    const auto pass = [&](std::chrono::milliseconds time) {
      clock.advance(time);
      server.threads->wake();
      server.threads->run_on_all([](Worker&) {});
    };
    Client slow = server.client();
    REQUIRE(slow.send("x"));
    for (std::size_t read = 0; read < kLongAnswer; read += kLongPart) {
      REQUIRE(slow.receive(kLongPart).size() == kLongPart);
      pass(limit * 9 / 10);
    }
    if (!and_close) {
      pass(limit);
      CHECK(slow.receive_all().empty());
      CHECK(reason_of(script) == CloseReason::kIdle);
    } else {
      CHECK(reason_of(script) == CloseReason::kLocal);
    }

    Client stopped = server.client();
    REQUIRE(stopped.send("x"));
    REQUIRE(stopped.receive(kLongPart).size() == kLongPart);
    pass(limit);  // it has taken some meanwhile
    CHECK(script.closed.size() == 0);
    while (script.closed.size() == 0) pass(limit);
    CHECK(reason_of(script) == (and_close ? CloseReason::kLocal : CloseReason::kIdle));
    CHECK(stopped.receive_all().size() < kLongAnswer - kLongPart);
  }
}

TEST_CASE("a command that nobody consumes ends at the limit") {
  Script script;
  script.bytes = [](Connection&) {};
  ListenerOptions options;
  options.connection.read_limit_bytes = 50'000;
  const TestServer server(scripted(script), options);
  Client client = server.client();
  client.send(pattern(200'000));  // may fail half-way
  CHECK(reason_of(script) == CloseReason::kInputLimit);
}

TEST_CASE("stopping the threads closes what is open") {
  Script script;
  script.bytes = echo;
  {
    const TestServer server(scripted(script), {}, 2);
    Client one = server.client();
    Client two = server.client();
    REQUIRE(one.send("a"));
    REQUIRE(two.send("a"));
    CHECK(one.receive(1) == "a");
    CHECK(two.receive(1) == "a");
    server.threads->stop();
    CHECK(one.receive_all() == "");
    CHECK(two.receive_all() == "");
  }
  CHECK(reason_of(script) == CloseReason::kShutdown);
  CHECK(reason_of(script) == CloseReason::kShutdown);
  CHECK(script.closed.size() == 0);
}
