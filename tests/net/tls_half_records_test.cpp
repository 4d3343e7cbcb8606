// Records that begin and do not end.
#include "net/tls_half_records.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "tests/net/tls_server_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

TEST_CASE("a record that is not ended closes its connection in time") {
  Files files;
  files.options.handshake_timeout = 24h;  // not what is tested
  ManualClock clock;
  const TlsServer server(files.options, TlsServer::echoing(), {}, &clock);
  IoThreads& threads = *server.server->threads;
  const auto half_records = [&] {
    std::size_t count = 0;
    threads.run_on_all([&](Worker& worker) { count = worker.tls_half_records().size(); });
    return count;
  };
  const auto wait = [&](std::chrono::nanoseconds time) {
    clock.advance(time);
    threads.wake();
  };
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
      server.until([&] { return half_records() == 1; });
      wait(files.options.record_timeout - 1s);
      CHECK(half_records() == 1);
      wait(2s);
      CHECK(half.receive_all().empty());
      CHECK(half_records() == 0);
      CHECK(server.context->record_timeouts() == ++closed);
    }
  }
  CHECK(echoed(idle, "hello") == "hello");
}

TEST_CASE("a slow upload whose records end is not closed") {
  Files files;
  files.options.handshake_timeout = 24h;  // not what is tested
  ManualClock clock;
  const TlsServer server(files.options, TlsServer::echoing(), {}, &clock);
  IoThreads& threads = *server.server->threads;
  HalfWayClient client(server.address());
  REQUIRE(client.finish());
  std::string before = client.record("0");
  REQUIRE(client.plain().send(before.substr(0, 7)));
  for (int round = 1; round < 5; ++round) {
    server.until([&] {
      std::size_t count = 0;
      threads.run_on_all([&](Worker& worker) { count = worker.tls_half_records().size(); });
      return count == 1;
    });
    clock.advance(files.options.record_timeout - 1s);
    threads.wake();
    // The end of one and the beginning of the next.
    const std::string next = client.record(std::to_string(round));
    REQUIRE(client.plain().send(before.substr(7) + next.substr(0, 7)));
    CHECK(client.received() == std::to_string(round - 1));
    before = next;
  }
  REQUIRE(client.plain().send(before.substr(7)));
  CHECK(client.received() == "4");
  CHECK(server.context->record_timeouts() == 0);
}
