// Handshakes: who waits for whom, who is cut, and that workers have no part in them.
#include "net/tls_handshaker.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "tests/net/tls_server_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

namespace {

// Clients that have said the beginning of a hello.
std::vector<Client> half_hellos(const TlsServer& server, std::size_t count) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back(server.address());
    REQUIRE(clients.back().send("\x16\x03\x01"));
  }
  return clients;
}

}  // namespace

TEST_CASE("a handshake that takes too long is cut, others are not held") {
  const Files files;
  ManualClock clock;
  const TlsServer server(files.options, TlsServer::echoing(), {}, &clock);
  Client silent(server.address());
  Client slow(server.address());
  REQUIRE(slow.send("\x16\x03\x01"));
  server.until([&] { return server.handshakes() == 2; });
  TlsClient quick(server.address());
  CHECK(echoed(quick, "hello") == "hello");
  clock.advance(files.options.handshake_timeout - 1s);
  const auto look_at_the_clock = [&] {  // by the coming of somebody
    TlsClient newcomer(server.address());
    CHECK(echoed(newcomer, "hello") == "hello");
  };
  look_at_the_clock();
  CHECK(echoed(quick, "hello") == "hello");
  CHECK(server.handshakes() == 2);
  clock.advance(2s);
  look_at_the_clock();
  CHECK(slow.receive_all().empty());
  CHECK(silent.receive_all().empty());
  CHECK(server.context->timeouts() == 2);
  CHECK(echoed(quick, "hello") == "hello");
}

TEST_CASE("hands are shaken while every worker is busy") {
  const Files files;
  const TlsServer server(files.options);
  std::latch busy(1);
  std::latch go_on(1);
  (*server.server->threads)[0].post([&] {
    busy.count_down();
    go_on.wait();
  });
  busy.wait();
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<TlsClient>(server.address()));
  for (const auto& client : clients) {
    CHECK(client->connected());
    CHECK(client->send("hello"));
  }
  go_on.count_down();
  for (const auto& client : clients) CHECK(client->receive(5) == "hello");
}

TEST_CASE("newcomers wait for one another, and do not close one another") {
  const Files files;
  TlsOptions options = files.options;
  options.handshakes_max = 3;
  ManualClock clock;
  const TlsServer server(options, TlsServer::echoing(), {}, &clock);
  std::vector<Client> silent;
  for (std::size_t i = 0; i < 10; ++i) silent.emplace_back(server.address());
  HalfWayClient answered(server.address());
  CHECK(answered.has_an_answer());
  const std::vector<Client> half = half_hellos(server, 2);
  server.until([&] { return server.handshakes() == 13; });
  HalfWayClient first(server.address());
  server.until([&] { return server.handshakes() == 14; });
  HalfWayClient second(server.address());
  server.until([&] { return server.handshakes() == 15; });
  CHECK(server.context->dropped() == 0);
  CHECK(answered.finish());  // there is room for the first
  CHECK(first.finish());
  CHECK(second.finish());
  CHECK(server.context->dropped() == 0);
  CHECK(server.server->listener->drain(kPatience));
  CHECK(server.handshakes() == 0);
}

TEST_CASE("who makes others wait for long has to go, half a hello before an answered one") {
  const Files files;
  TlsOptions options = files.options;
  options.handshakes_max = 3;
  ManualClock clock;
  const TlsServer server(options, TlsServer::echoing(), {}, &clock);
  HalfWayClient answered(server.address());
  CHECK(answered.has_an_answer());
  const std::vector<Client> half = half_hellos(server, 2);
  server.until([&] { return server.handshakes() == 3; });
  HalfWayClient waiting(server.address());
  server.until([&] { return server.handshakes() == 4; });
  clock.advance(kRoomAfter + 1s);
  const Client newcomer(server.address());  // makes it look at the clock
  CHECK(waiting.finish());
  CHECK(server.context->dropped() == 1);
  CHECK(answered.finish());
}

TEST_CASE("hellos that come in pieces are answered, newcomers in between") {
  const Files files;
  const TlsServer server(files.options);
  const std::string hello = HalfWayClient(server.address()).hello();
  std::vector<Client> dripping;
  for (int i = 0; i < 10; ++i) dripping.emplace_back(server.address());
  for (std::size_t at = 0; at < hello.size(); at += 50) {
    for (Client& client : dripping) REQUIRE(client.send(hello.substr(at, 50)));
    if (at % 200 != 0) continue;
    TlsClient newcomer(server.address());
    CHECK(echoed(newcomer, "hello") == "hello");
  }
  for (Client& client : dripping) CHECK(client.receive(1) == "\x16");
}

TEST_CASE("a hello that says it is too long is refused before it has come") {
  const Files files;
  const TlsServer server(files.options);
  using namespace std::string_literals;
  Client client(server.address());
  REQUIRE(client.send("\x16\x03\x01\x00\x04\x01\x02\x01\x40"s));  // 131,392 bytes
  client.receive_all();
  server.until([&] { return server.context->errors() == 1 && server.handshakes() == 0; });
}

TEST_CASE("who has gone when it would be their turn costs no private key") {
  const Files files;
  const TlsServer server(files.options);
  const std::string hello = HalfWayClient(server.address()).hello();
  Client gone(server.address());
  const int on = 1;  // the hello leaves together with the end
  REQUIRE(::setsockopt(gone.fd(), IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0);
  REQUIRE(gone.send(hello));
  gone.end_output();
  CHECK(gone.receive_all().empty());
  server.until([&] { return server.context->errors() >= 1; });
}
