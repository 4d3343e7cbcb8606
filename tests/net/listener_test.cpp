#include "net/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/net/net_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

namespace {

HandlerFactory echoing() {
  return [](Connection&) { return std::make_unique<EchoHandler>(); };
}

/// Answers each batch with the index of its worker.
struct WhereHandler : ConnectionHandler {
  void on_bytes(Connection& connection) override {
    connection.in().consume(connection.in().size());
    connection.out().append(std::to_string(*IoThreads::current_index()));
  }
  void on_closed(Connection&, const CloseInfo&) override {}
};

std::string echoed(Client& client, const std::string& text) {
  REQUIRE(client.send(text));
  return client.receive(text.size());
}

}  // namespace

TEST_CASE("several addresses, each with the port that was bound") {
  ListenerOptions options;
  options.addresses = {Address::tcp("127.0.0.1", 0), Address::tcp("::1", 0),
                       Address::unix_path("net_test_listener.sock")};
  options.unix_mode = 0600;
  {
    const TestServer server(echoing(), options);
    REQUIRE(server.listener->bound().size() == 3);
    for (const Address& address : server.listener->bound()) {
      CAPTURE(address.text());
      CHECK((address.kind == Address::Kind::kUnix || address.port != 0));
      Client client(address);
      CHECK(echoed(client, "hello") == "hello");
    }
    struct stat status {};
    REQUIRE(::stat("net_test_listener.sock", &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(server.listener->accepted_total() == 3);
  }
  CHECK(::access("net_test_listener.sock", F_OK) != 0);  // removed with the listener
}

TEST_CASE("a port in use is an error that says what to do; nothing stays bound") {
  const TestServer first(echoing());
  IoThreads threads({.count = 1, .name = "w", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  ListenerOptions options;
  options.addresses = {Address::unix_path("net_test_second.sock"), first.address()};
  Listener second(threads, options, echoing());
  const std::optional<std::string> error = second.start();
  REQUIRE(error.has_value());
  CHECK(error->find(first.address().text()) != std::string::npos);
  CHECK(error->find("in use") != std::string::npos);
  CHECK(error->find("ss -ltnp") != std::string::npos);
  CHECK(::access("net_test_second.sock", F_OK) != 0);
}

TEST_CASE("an address that this machine does not have is refused") {
  IoThreads threads({.count = 1, .name = "w", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  ListenerOptions options;
  options.addresses = {Address::tcp("192.0.2.1", 0)};
  Listener listener(threads, options, echoing());
  CHECK(listener.start().value_or("").find("192.0.2.1") != std::string::npos);
}

TEST_CASE("a UNIX path: a stale socket is replaced, a live one and a file are not") {
  const std::string path = "net_test_path.sock";
  ListenerOptions options;
  options.addresses = {Address::unix_path(path)};
  IoThreads threads({.count = 1, .name = "w", .clock = nullptr});
  REQUIRE(threads.start() == std::nullopt);
  {
    // Stale: bound, never unlinked.
    const TestServer live(echoing(), options);
    Listener second(threads, options, echoing());
    CHECK(second.start().value_or("").find("in use") != std::string::npos);
    Client client(Address::unix_path(path));
    CHECK(echoed(client, "still here") == "still here");
    REQUIRE(::rename(path.c_str(), "net_test_stale.sock") == 0);
  }
  options.addresses = {Address::unix_path("net_test_stale.sock")};
  {
    const TestServer replaced(echoing(), options);
    Client client = replaced.client();
    CHECK(echoed(client, "x") == "x");
  }
  std::ofstream("net_test_file.sock") << "precious";
  options.addresses = {Address::unix_path("net_test_file.sock")};
  Listener third(threads, options, echoing());
  CHECK(third.start().has_value());
  CHECK(::access("net_test_file.sock", F_OK) == 0);
  ::unlink("net_test_file.sock");
}

TEST_CASE("connections go round the workers") {
  const TestServer server([](Connection&) { return std::make_unique<WhereHandler>(); }, {}, 3);
  std::multiset<std::string> where;
  std::vector<Client> clients;
  for (int count = 0; count < 6; ++count) {
    clients.push_back(server.client());
    REQUIRE(clients.back().send("?"));
    where.insert(clients.back().receive(1));
  }
  for (const char* worker : {"0", "1", "2"}) CHECK(where.count(worker) == 2);
}

TEST_CASE("at the limit a connection is refused with a text") {
  ListenerOptions options;
  options.connections_max = 2;
  const TestServer server(echoing(), options);
  Client one = server.client();
  Client two = server.client();
  CHECK(echoed(one, "1") == "1");
  CHECK(echoed(two, "2") == "2");
  Client three = server.client();
  three.send("get x\r\n");
  CHECK(three.receive_all() == "ERROR Too many open connections\r\n");
  CHECK(server.listener->refused_total() == 1);
  CHECK(server.listener->connections() == 2);
  one.close();
  // The place is free when the worker has noticed.
  std::string answer;
  while (answer != "4") {
    Client four = server.client();
    four.send("4");
    answer = four.receive(1);
  }
}

TEST_CASE("at the limit connections wait until one closes") {
  ListenerOptions options;
  options.connections_max = 2;
  options.at_limit = AtConnectionLimit::kWait;
  const TestServer server(echoing(), options);
  std::vector<Client> clients;
  for (int count = 0; count < 6; ++count) {
    clients.push_back(server.client());
    REQUIRE(clients.back().send("x"));
  }
  for (Client& client : clients) {
    CHECK(client.receive(1) == "x");
    CHECK(server.listener->connections() <= 2);
    client.close();
  }
  CHECK(server.listener->accepted_total() == 6);
  CHECK(server.listener->refused_total() == 0);
}

TEST_CASE("without descriptors accepting rests and goes on") {
  const TestServer server(echoing());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 128;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  std::vector<int> hoard;
  for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) {
    hoard.push_back(fd);
  }
  ::close(hoard.back());
  hoard.pop_back();
  Client client = server.client();  // takes the last one; the kernel completes the connection
  REQUIRE(client.connected());
  REQUIRE(client.send("hello"));
  while (server.listener->accept_errors_total() == 0) std::this_thread::yield();
  for (const int fd : hoard) ::close(fd);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(client.receive(5) == "hello");
}

TEST_CASE("drain asks every connection and waits for the last") {
  const TestServer server(echoing(), {}, 2);
  Client one = server.client();
  Client two = server.client();
  CHECK(echoed(one, "1") == "1");
  CHECK(echoed(two, "2") == "2");
  CHECK(server.listener->drain(kPatience));
  CHECK(server.listener->connections() == 0);
  CHECK(one.receive_all() == "");
  CHECK(two.receive_all() == "");
  CHECK_FALSE(server.client().connected());
}

TEST_CASE("drain ends with the grace period when a handler does not let go") {
  struct Stubborn : EchoHandler {
    void on_drain(Connection&) override {}
  };
  const TestServer server([](Connection&) { return std::make_unique<Stubborn>(); });
  Client client = server.client();
  CHECK(echoed(client, "1") == "1");
  CHECK_FALSE(server.listener->drain(1ms));
  CHECK(echoed(client, "still served") == "still served");
}

TEST_CASE("a factory that wants no connection") {
  const TestServer server([](Connection&) { return nullptr; });
  Client client = server.client();
  CHECK(client.receive_all() == "");
}
