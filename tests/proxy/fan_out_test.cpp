#include "proxy/fan_out.h"

#include <doctest/doctest.h>

#include <string>

#include "protocol/response_parser.h"

namespace ringcache::proxy {

namespace {
// Feeds a node's whole reply, parsed as the upstream would.
void feed(FanOut& fan_out, const char* node, std::string_view bytes, protocol::ReplyKind kind) {
  const protocol::ResponseParser parser(1024);
  protocol::Response response;
  while (!bytes.empty()) {
    std::size_t consumed = 0;
    REQUIRE(parser.parse(bytes, kind, response, consumed) == protocol::ParseResult::kDone);
    fan_out.add(node, response);
    bytes.remove_prefix(consumed);
  }
}
// Lines for which a merged answer had no room; each case begins at what the one before left.
net::Counter dropped;
constexpr auto kLine = protocol::ReplyKind::kLine;
constexpr auto kStats = protocol::ReplyKind::kStats;
}  // namespace

TEST_CASE("flush_all is OK when all nodes say so") {
  FanOut fan_out(FanOut::Kind::kAllMust, dropped);
  feed(fan_out, "a", "OK\r\n", kLine);
  feed(fan_out, "b", "OK\r\n", kLine);
  CHECK(fan_out.answer() == "OK\r\n");
}

TEST_CASE("flush_all names the first node that failed") {
  FanOut fan_out(FanOut::Kind::kAllMust, dropped);
  feed(fan_out, "a", "OK\r\n", kLine);
  fan_out.fail("b", "is not reachable");
  fan_out.fail("c", "did not answer in time");
  CHECK(fan_out.answer() == "SERVER_ERROR node b is not reachable\r\n");
}

TEST_CASE("what all nodes refuse in the same words is refused in those words") {
  FanOut same(FanOut::Kind::kAllMust, dropped);
  feed(same, "a", "CLIENT_ERROR usage: stats detail on|off|dump\r\n", kStats);
  feed(same, "b", "CLIENT_ERROR usage: stats detail on|off|dump\r\n", kStats);
  CHECK(same.answer() == "CLIENT_ERROR usage: stats detail on|off|dump\r\n");
  FanOut mixed(FanOut::Kind::kAllMust, dropped);
  feed(mixed, "a", "CLIENT_ERROR x\r\n", kStats);
  mixed.fail("b", "is not reachable");
  CHECK(mixed.answer() == "SERVER_ERROR node a CLIENT_ERROR x\r\n");
}

TEST_CASE("stats of the nodes that answered are enough") {
  FanOut fan_out(FanOut::Kind::kStats, dropped);
  feed(fan_out, "a", "STAT get_hits 2\r\nEND\r\n", kStats);
  fan_out.fail("b", "is not reachable");
  CHECK(fan_out.answer() == "STAT get_hits 2\r\nEND\r\n");
}

TEST_CASE("counts by prefix of the nodes that answered are added") {
  FanOut fan_out(FanOut::Kind::kStatsDetail, dropped);
  feed(fan_out, "a", "PREFIX p get 2 hit 1 set 0 del 0\r\nEND\r\n", kStats);
  feed(fan_out, "b", "PREFIX p get 3 hit 1 set 0 del 0\r\nEND\r\n", kStats);
  fan_out.fail("c", "is not reachable");
  CHECK(fan_out.answer() == "PREFIX p get 5 hit 2 set 0 del 0\r\nEND\r\n");
}

TEST_CASE("names that find no room are dropped and counted") {
  FanOut fan_out(FanOut::Kind::kStats, dropped);
  const std::uint64_t before = dropped.value();
  for (std::size_t i = 0; i < kStatsNamesMax + 3; ++i) {
    feed(fan_out, "a", "STAT n" + std::to_string(i) + " 1\r\n", kStats);
  }
  CHECK(dropped.value() == before + 3);
  feed(fan_out, "b", "STAT n0 1\r\nSTAT empty\r\nEND\r\n", kStats);
  CHECK(dropped.value() == before + 4);
  CHECK(fan_out.answer().starts_with("STAT n0 2\r\n"));
}

TEST_CASE("stats of no node at all is an error") {
  FanOut fan_out(FanOut::Kind::kStats, dropped);
  fan_out.fail("a", "is not reachable");
  CHECK(fan_out.answer() == "SERVER_ERROR node a is not reachable\r\n");
}

}  // namespace ringcache::proxy
