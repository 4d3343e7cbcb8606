#include "net/connection.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/net_fixture.h"
#include "tests/net/scripted_handler.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;

TEST_CASE("bytes come back in any portions") {
  Script script;
  script.bytes = echo;
  const TestServer server(scripted(script));
  const std::string text = pattern(100'000);
  for (const std::size_t portion : {1UL, 100UL, 16'384UL, 100'000UL}) {
    CAPTURE(portion);
    Client client = server.client();
    const std::size_t end = portion == 1 ? 500 : text.size();
    for (std::size_t at = 0; at < end; at += portion) {
      const std::string_view part = std::string_view(text).substr(at, std::min(portion, end - at));
      REQUIRE(client.send(part));
      CHECK((client.receive(part.size()) == part));
    }
  }
}

TEST_CASE("thousands of slices of large memory arrive whole and are released once each") {
  static constexpr std::size_t kSlices = 2000;
  const std::string big = pattern(10'000);
  struct Released {
    std::atomic<std::size_t> count{0};
    Mailbox<bool> all;
  } released;
  Script script;
  script.bytes = [&](Connection& connection) {
    connection.in().consume(connection.in().size());
    for (std::size_t index = 0; index < kSlices; ++index) {
      connection.out().append("<");
      connection.out().append_slice(
          big,
          [](void* owner, void*) {
            auto* state = static_cast<Released*>(owner);
            if (++state->count == kSlices) state->all.put(true);
          },
          &released, nullptr);
      connection.out().append(">");
    }
  };
  const TestServer server(scripted(script));
  Client client = server.client();
  REQUIRE(client.send("go"));
  for (std::size_t index = 0; index < kSlices; ++index) {
    const std::string got = client.receive(big.size() + 2);
    REQUIRE((got == '<' + big + '>'));
  }
  CHECK(released.all.take().has_value());
  CHECK(released.count == kSlices);
}

TEST_CASE("a client that does not read is not read, and then gets everything") {
  static constexpr std::size_t kTotal = 48 * 1024 * 1024;
  ListenerOptions options;
  options.connection.output_high_bytes = 256 * 1024;
  options.connection.output_low_bytes = 64 * 1024;
  std::atomic<std::size_t> most_waiting{0};
  Mailbox<bool> full;
  std::atomic<int> drained{0};
  Script script;
  script.bytes = [&](Connection& connection) {
    echo(connection);
    most_waiting = std::max(most_waiting.load(), connection.out().bytes());
    if (connection.output_full()) full.put(true);
  };
  script.drained = [&](Connection& connection) {
    CHECK(connection.out().bytes() <= options.connection.output_low_bytes);
    ++drained;
  };
  const TestServer server(scripted(script), options);
  Client client = server.client();
  const std::string chunk = pattern(1024 * 1024);
  std::atomic<bool> all_sent{false};
  std::thread sender([&] {
    for (std::size_t sent = 0; sent < kTotal; sent += chunk.size()) CHECK(client.send(chunk));
    all_sent = true;
  });
  CHECK(full.take().has_value());
  CHECK_FALSE(all_sent);  // far more than the kernel's buffers and ours hold
  bool intact = true;
  for (std::size_t got = 0; got < kTotal; got += chunk.size()) {
    intact = intact && client.receive(chunk.size()) == chunk;
  }
  sender.join();
  CHECK(intact);
  CHECK(drained > 0);
  CHECK(most_waiting <= options.connection.output_high_bytes + 64 * 1024);
}

TEST_CASE("a handler that stops when the output is full goes on when it has left") {
  static constexpr std::size_t kRequests = 300;
  const std::string value = pattern(100'000);
  ListenerOptions options;
  options.connection.output_high_bytes = 250'000;
  options.connection.output_low_bytes = 100'000;
  std::atomic<std::size_t> most_waiting{0};
  Script script;
  script.bytes = [&](Connection& connection) {
    std::string line;
    while (!connection.output_full() && take_line(connection, line)) connection.out().append(value);
    most_waiting = std::max(most_waiting.load(), connection.out().bytes());
  };
  const TestServer server(scripted(script), options);
  Client client = server.client();
  std::string requests;
  for (std::size_t index = 0; index < kRequests; ++index) requests += "get\n";
  REQUIRE(client.send(requests));
  bool intact = true;
  for (std::size_t index = 0; index < kRequests; ++index) {
    intact = intact && client.receive(value.size()) == value;
  }
  CHECK(intact);
  CHECK(most_waiting <= 350'000);
  // The end of the input comes after the requests before it.
  REQUIRE(client.send(requests));
  client.end_output();
  CHECK(client.receive_all().size() == kRequests * value.size());
  CHECK(reason_of(script) == CloseReason::kPeerClosed);
}

TEST_CASE("pausing keeps bytes, resuming offers them again, the end of input comes last") {
  Connection* paused = nullptr;
  Mailbox<std::string> seen;
  Script script;
  script.bytes = [&](Connection& connection) {
    seen.put(std::string(connection.in().bytes()));
    if (paused == nullptr) {
      paused = &connection;
      connection.pause_reading();
      return;
    }
    connection.in().consume(connection.in().size());
  };
  script.end_of_input = [&](Connection& connection) {
    seen.put("end");
    connection.close();
  };
  const TestServer server(scripted(script));
  Client client = server.client();
  REQUIRE(client.send("first"));
  CHECK(seen.take() == "first");
  REQUIRE(client.send("second"));
  client.end_output();
  for (int turn = 0; turn < 10; ++turn) server.threads->run_on_all([](Worker&) {});
  CHECK(seen.size() == 0);
  server.threads->run_on_all([&](Worker&) {
    paused->resume_reading();
    paused->resume_reading();
  });
  CHECK(seen.take() == "first");
  CHECK(seen.take() == "second");
  CHECK(seen.take() == "end");
}

TEST_CASE("lent memory is filled straight from the socket") {
  std::string value;
  Script script;
  script.bytes = [&](Connection& connection) {
    if (!value.empty()) {
      connection.out().append(value);
      value.clear();
    }
    std::string line;
    if (!take_line(connection, line)) return;
    value.resize(std::stoul(line));
    const std::size_t here = std::min(connection.in().size(), value.size());
    std::copy_n(connection.in().bytes().data(), here, value.data());
    connection.in().consume(here);
    const std::span<char> rest = std::span<char>(value).subspan(here);
    const std::array<std::span<char>, 2> pieces = {rest.first(1), rest.subspan(1)};
    REQUIRE(connection.in().lend(pieces));
  };
  const TestServer server(scripted(script));
  const std::string sent = pattern(1'000'000);
  Client client = server.client();
  for (int round = 0; round < 3; ++round) {
    REQUIRE(client.send(std::to_string(sent.size()) + "\n" + sent));
    CHECK((client.receive(sent.size()) == sent));
  }
  // And a connection that closes in the middle of a loan.
  REQUIRE(client.send("100000\nabc"));
  client.close();
  CHECK(reason_of(script) == CloseReason::kPeerClosed);
}

TEST_CASE("answers for other connections leave at the end of the turn") {
  std::vector<Connection*> members;
  Mailbox<std::size_t> joined;
  Script script;
  script.bytes = [&](Connection& connection) {
    std::string line;
    while (take_line(connection, line)) {
      if (line == "join") {
        members.push_back(&connection);
        joined.put(members.size());
        continue;
      }
      for (Connection* member : members) {
        member->out().append(line);
        member->schedule_flush();
        member->schedule_flush();
      }
    }
  };
  const TestServer server(scripted(script));
  std::vector<Client> clients;
  for (std::size_t index = 0; index < 5; ++index) {
    clients.push_back(server.client());
    REQUIRE(clients.back().send("join\n"));
    CHECK(joined.take() == index + 1);
  }
  REQUIRE(clients[2].send("hello\nworld\n"));
  for (Client& client : clients) CHECK(client.receive(10) == "helloworld");
}

TEST_CASE("bytes are counted, the peer has a name") {
  Counter read;
  Counter written;
  Mailbox<std::string> peer;
  Script script;
  script.bytes = [&](Connection& connection) {
    if (connection.read_bytes() == 5) peer.put(connection.peer());
    echo(connection);
    connection.out().append("!");
  };
  const TestServer server([&](Connection& connection) {
    connection.count_bytes_into(&read, &written);
    return std::make_unique<ScriptedHandler>(script);
  });
  Client client = server.client();
  REQUIRE(client.send("12345"));
  CHECK(client.receive(6) == "12345!");
  CHECK(peer.take().value_or("").starts_with("127.0.0.1:"));
  server.threads->run_on_all([](Worker&) {});
  CHECK(read.value() == 5);
  CHECK(written.value() == 6);
}

TEST_CASE("an idle connection holds no buffer") {
  Script script;
  script.bytes = echo;
  const TestServer server(scripted(script));
  std::vector<Client> clients;
  for (int index = 0; index < 20; ++index) {
    clients.push_back(server.client());
    REQUIRE(clients.back().send("hello"));
    CHECK(clients.back().receive(5) == "hello");
  }
  std::size_t borrowed = 1;
  server.threads->run_on_all([&](Worker& worker) { borrowed = worker.pool().borrowed_bytes(); });
  CHECK(borrowed == 0);
}
