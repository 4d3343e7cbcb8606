#include "net/connector.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "net/resolver.h"
#include "tests/net/net_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

namespace {

struct Event {
  enum Kind { kConnected, kBytes, kClosed } kind;
  std::string bytes;
  CloseInfo info;
};

/// The client side of a connection: reports what happens.
class Caller : public ConnectionHandler {
 public:
  void on_connected(Connection&) override { events.put({Event::kConnected, "", {}}); }
  void on_bytes(Connection& connection) override {
    events.put({Event::kBytes, std::string(connection.in().bytes()), {}});
    connection.in().consume(connection.in().size());
  }
  void on_closed(Connection&, const CloseInfo& info) override {
    events.put({Event::kClosed, "", info});
  }
  CloseInfo closed() {
    const std::optional<Event> event = events.take();
    REQUIRE(event.has_value());
    REQUIRE(event->kind == Event::kClosed);
    return event->info;
  }
  Mailbox<Event> events;
};

HandlerFactory echoing() {
  return [](Connection&) { return std::make_unique<EchoHandler>(); };
}

/// A bound TCP socket; it refuses connections unless it listens.
class BoundSocket {
 public:
  BoundSocket() {
    Endpoint endpoint;
    REQUIRE(numeric_endpoint("127.0.0.1", 0, endpoint));
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.length) ==
            0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&endpoint.storage), &endpoint.length);
    const std::string text = endpoint.text();
    std::string error;
    REQUIRE(Address::parse(text, address, error));
  }
  ~BoundSocket() { ::close(fd_); }
  int fd() const { return fd_; }
  Address address;

 private:
  int fd_ = -1;
};

void connect_on(IoThreads& threads, const Address& address, Caller& caller,
                const std::function<void(Connection&)>& then = {},
                std::chrono::milliseconds timeout = kPatience) {
  threads.run_on_all([&](Worker& worker) {
    ConnectOptions options;
    options.timeout = timeout;
    Connection& connection = connect(worker, address, options, caller);
    CHECK_FALSE(connection.is_open());  // nothing is called from inside connect()
    CHECK(caller.events.size() == 0);
    if (then) then(connection);
  });
}

}  // namespace

TEST_CASE("an outgoing connection sends what was appended before it was up") {
  const TestServer server(echoing());
  Caller caller;
  IoThreads threads({.count = 1, .name = "c", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  Connection* connection = nullptr;
  connect_on(threads, server.address(), caller, [&](Connection& made) {
    connection = &made;
    made.out().append("early");
  });
  CHECK(caller.events.take()->kind == Event::kConnected);
  CHECK(caller.events.take()->bytes == "early");
  threads.run_on_all([&](Worker&) {
    CHECK(connection->peer() == server.address().text());
    connection->out().append("later");
    connection->schedule_flush();
  });
  CHECK(caller.events.take()->bytes == "later");
  server.listener->stop();
  server.threads->stop();
  CHECK(caller.closed().reason == CloseReason::kPeerClosed);
}

TEST_CASE("names are resolved, and each of their addresses is tried") {
  const TestServer server(echoing());  // on 127.0.0.1 alone; localhost may also be ::1
  Caller caller;
  IoThreads threads({.count = 1, .name = "c", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  connect_on(threads, Address::tcp("localhost", server.address().port), caller,
             [](Connection& made) { made.out().append("hello"); });
  CHECK(caller.events.take()->kind == Event::kConnected);
  CHECK(caller.events.take()->bytes == "hello");
  threads.stop();
  CHECK(caller.closed().reason == CloseReason::kShutdown);
}

TEST_CASE("UNIX sockets") {
  ListenerOptions options;
  options.addresses = {Address::unix_path("net_test_connector.sock")};
  const TestServer server(echoing(), options);
  Caller caller;
  Caller nobody;
  Caller too_long;
  IoThreads threads({.count = 1, .name = "c", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  connect_on(threads, server.address(), caller,
             [](Connection& made) { made.out().append("hello"); });
  CHECK(caller.events.take()->kind == Event::kConnected);
  CHECK(caller.events.take()->bytes == "hello");
  connect_on(threads, Address::unix_path("net_test_no_such.sock"), nobody);
  CHECK(nobody.closed().error == std::errc::no_such_file_or_directory);
  connect_on(threads, Address::unix_path(std::string(200, 'p')), too_long, [](Connection&) {});
  CHECK(too_long.closed().reason == CloseReason::kConnectFailed);
}

TEST_CASE("a refused connection is reported once, with its cause") {
  const BoundSocket bound;
  Caller caller;
  Caller unknown;
  IoThreads threads({.count = 1, .name = "c", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  connect_on(threads, bound.address, caller);
  const CloseInfo info = caller.closed();
  CHECK(info.reason == CloseReason::kConnectFailed);
  CHECK(info.error == std::errc::connection_refused);
  connect_on(threads, Address::tcp("no..name", 1), unknown);
  CHECK(unknown.closed().reason == CloseReason::kConnectFailed);
  threads.stop();
  threads.join();
  CHECK(caller.events.size() == 0);
}

TEST_CASE("a connection that does not come up in time is given up") {
  // Nobody accepts and the backlog is full, so the kernel leaves new connections unanswered.
  const BoundSocket silent;
  REQUIRE(::listen(silent.fd(), 0) == 0);
  Endpoint endpoint;
  REQUIRE(numeric_endpoint(silent.address.host, silent.address.port, endpoint));
  std::vector<int> fill;
  for (int count = 0; count < 4; ++count) {
    fill.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(fill.back(), reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.length);
  }
  ManualClock clock;
  Caller caller;
  IoThreads threads({.count = 1, .name = "c", .clock = &clock});
  REQUIRE(threads.start() == std::nullopt);
  connect_on(threads, silent.address, caller, {}, 250ms);
  clock.advance(249ms);
  threads.wake();
  threads.wake();
  CHECK(caller.events.size() == 0);
  clock.advance(1ms);
  threads.wake();
  CHECK(caller.closed().reason == CloseReason::kConnectTimeout);
  for (const int fd : fill) ::close(fd);
}

TEST_CASE("closing and abandoning while it connects") {
  const TestServer server(echoing());
  Caller closed;
  Caller resolving;
  IoThreads threads({.count = 1, .name = "c", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  connect_on(threads, server.address(), closed, [](Connection& made) { made.close(); });
  CHECK(closed.closed().reason == CloseReason::kLocal);
  connect_on(threads, Address::tcp("localhost", server.address().port), resolving,
             [](Connection& made) { made.close(); });
  CHECK(resolving.closed().reason == CloseReason::kLocal);
  {
    Caller gone;
    connect_on(threads, server.address(), gone, [](Connection& made) { made.abandon(); });
    connect_on(threads, Address::tcp("localhost", server.address().port), gone,
               [](Connection& made) { made.abandon(); });
    CHECK(gone.events.size() == 0);
  }
  threads.run_on_all([](Worker&) {});
  threads.run_on_all([](Worker& worker) { CHECK(worker.stats().connections_open.value() == 0); });
}
