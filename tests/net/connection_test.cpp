#include "net/connection.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/net_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

namespace {

/// A handler made of functions; those that are empty do what the base class does.
struct Script {
  std::function<void(Connection&)> bytes;
  std::function<void(Connection&)> drained;
  std::function<void(Connection&)> end_of_input;
  Mailbox<CloseInfo> closed;
};

class ScriptedHandler : public ConnectionHandler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {}
  void on_bytes(Connection& connection) override { script_.bytes(connection); }
  void on_closed(Connection&, const CloseInfo& info) override { script_.closed.put(info); }
  void on_drained(Connection& connection) override {
    if (script_.drained) script_.drained(connection);
  }
  void on_end_of_input(Connection& connection) override {
    if (!script_.end_of_input) return ConnectionHandler::on_end_of_input(connection);
    script_.end_of_input(connection);
  }

 private:
  Script& script_;
};

HandlerFactory scripted(Script& script) {
  return [&script](Connection&) { return std::make_unique<ScriptedHandler>(script); };
}

void echo(Connection& connection) {
  connection.out().append(connection.in().bytes());
  connection.in().consume(connection.in().size());
}

/// The next line of the input, without its end; false if there is none.
bool take_line(Connection& connection, std::string& line) {
  const std::string_view bytes = connection.in().bytes();
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return false;
  line = bytes.substr(0, end);
  connection.in().consume(end + 1);
  return true;
}

CloseReason reason_of(Script& script) {
  const std::optional<CloseInfo> info = script.closed.take();
  REQUIRE(info.has_value());
  return info->reason;
}

}  // namespace

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
