// Records that begin and do not end.
#include "net/tls_half_records.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/net/tls_server_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

namespace {

// A server on a clock that the test moves.
struct HalfRecordServer {
  std::size_t half_records() const {
    std::size_t count = 0;
    server.server->threads->run_on_all(
        [&](Worker& worker) { count = worker.tls_half_records().size(); });
    return count;
  }
  void until_half_records(std::size_t count) const {
    server.until([&] { return half_records() == count; });
  }
  void pass(std::chrono::nanoseconds time) {
    clock.advance(time);
    server.server->threads->wake();
  }
  const Address& address() const { return server.address(); }
  std::chrono::nanoseconds timeout() const { return files.options.record_timeout; }
  std::uint64_t closed() const { return server.context->record_timeouts(); }

  Files files;
  ManualClock clock;
  TlsServer server{patient(files.options), TlsServer::echoing(), {}, &clock};

 private:
  // Handshakes are not what is tested.
  static TlsOptions patient(TlsOptions options) {
    options.handshake_timeout = 24h;
    return options;
  }
};

}  // namespace

TEST_CASE("a record that is not ended closes its connection in time") {
  HalfRecordServer server;
  TlsClient idle(server.address());
  CHECK(echoed(idle, "hello") == "hello");
  const std::string record = std::string("\x17\x03\x03\x40\x00", 5) + std::string(16'384, 'x');
  std::uint64_t closed = 0;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t sent : {1, 5, 6, 1000, 16'388}) {
      CAPTURE(version);
      CAPTURE(sent);
      TlsClient half(server.address(), nullptr, version);
      CHECK(echoed(half, "hello") == "hello");
      REQUIRE(half.plain().send(std::string_view(record).substr(0, sent)));
      server.until_half_records(1);
      server.pass(server.timeout() - 1s);
      CHECK(server.half_records() == 1);
      server.pass(2s);
      CHECK(half.receive_all().empty());
      CHECK(server.half_records() == 0);
      CHECK(server.closed() == ++closed);
    }
  }
  CHECK(echoed(idle, "hello") == "hello");
}

TEST_CASE("a slow upload whose records end is not closed") {
  HalfRecordServer server;
  HalfWayClient client(server.address());
  REQUIRE(client.finish());
  std::string before = client.record("0");
  REQUIRE(client.plain().send(before.substr(0, 7)));
  for (int round = 1; round < 5; ++round) {
    server.until_half_records(1);
    server.pass(server.timeout() - 1s);
    // The end of one and the beginning of the next.
    const std::string next = client.record(std::to_string(round));
    REQUIRE(client.plain().send(before.substr(7) + next.substr(0, 7)));
    CHECK(client.received() == std::to_string(round - 1));
    before = next;
  }
  REQUIRE(client.plain().send(before.substr(7)));
  CHECK(client.received() == "4");
  CHECK(server.closed() == 0);
}
