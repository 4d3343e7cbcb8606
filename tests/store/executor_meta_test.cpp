// The meta commands: where a flag stands on the line, and what newer versions of memcached have.
#include <doctest/doctest.h>

#include <string>

#include "tests/store/executor_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

TEST_CASE("t tells the expiry as of its place on the line") {
  Conversation client;
  client.say(set("k", "5", "0 100"));
  CHECK(client.say("mg k t T200\r\n") == "HD t100\r\n");
  CHECK(client.say("mg k T300 t\r\n") == "HD t300\r\n");
  CHECK(client.say("ma k t T400\r\n") == "HD t300\r\n");
  CHECK(client.say("ma k T500 t\r\n") == "HD t500\r\n");
  CHECK(client.say("mg new t N60\r\n") == "HD t-1 W\r\n");
  CHECK(client.say("mg newer N60 t\r\n") == "HD t60 W\r\n");
}

TEST_CASE("of T and N the later one on the line is the expiry of a created item") {
  Conversation client;
  for (const std::string command : {"mg", "ma"}) {
    CAPTURE(command);
    const std::string won = command == "mg" ? " W" : "";
    const auto created = [&](const std::string& flags) {
      client.say("flush_all\r\n");
      return client.say(command + " k " + flags + "\r\nmg k t u\r\n");
    };
    const std::string sent = command == "mg" ? " Z" : "";
    CHECK(created("t T50 N60") == "HD t-1" + won + "\r\nHD t60" + sent + "\r\n");
    CHECK(created("t N60 T50") == "HD t-1" + won + "\r\nHD t50" + sent + "\r\n");
    CHECK(created("T50 t N60") == "HD t50" + won + "\r\nHD t60" + sent + "\r\n");
    CHECK(created("N60 t T50") == "HD t60" + won + "\r\nHD t50" + sent + "\r\n");
    CHECK(created("T50 N60 t") == "HD t60" + won + "\r\nHD t60" + sent + "\r\n");
    CHECK(created("N60 T50 t") == "HD t50" + won + "\r\nHD t50" + sent + "\r\n");
    // N means nothing to an item that is there.
    client.say(set("k", "1", "0 100"));
    CHECK(client.say(command + " k N60 t T50\r\nmg k t\r\n") == "HD t100\r\nHD t50\r\n");
  }
}

TEST_CASE("ms N lets append and prepend create, with its expiry") {
  Conversation client;
  CHECK(client.say("ms k 1 MA T50 N60 F7\r\na\r\nmg k t f v\r\n") == "HD\r\nVA 1 t60 f7\r\na\r\n");
  CHECK(client.say("ms k 1 MP N30\r\nb\r\nmg k t f v\r\n") == "HD\r\nVA 2 t60 f7\r\nba\r\n");
  CHECK(client.say("ms other 1 MR N30\r\nb\r\nms other 1 T50 N30\r\nb\r\nmg other t\r\n") ==
        "NS\r\nHD\r\nHD t50\r\n");

  PendingStore pending;
  client.executor.begin_turn(client.now);
  const HashedKey key = client.parse("ms streamed 5000 MA N60\r\n");
  REQUIRE(client.executor.start_store(client.request, key, pending, client.out));
  pending.reservation.write(std::string(5000, 'v'));
  client.executor.finish_store(pending, true, client.out);
  client.executor.end_turn();
  CHECK(client.take_output() == "HD\r\n");
  CHECK(client.say("mg streamed t s\r\n") == "HD t60 s5000\r\n");
}

TEST_CASE("md x empties the item, with I as a stale one to be won") {
  Conversation client;
  client.say(set("k", "value", "9 100"));
  CHECK(client.say("md k x\r\nmg k t f v\r\n") == "HD\r\nVA 0 t-1 f0\r\n\r\n");
  CHECK(client.say("md k x I T30 F5 E77 q\r\nmg k t f v c\r\nmg k\r\n") ==
        "VA 0 t30 f5 c77 X W\r\n\r\nHD Z X\r\n");
  CHECK(client.say("md k x C76\r\nmd none x\r\n") == "EX\r\nNF\r\n");
}
