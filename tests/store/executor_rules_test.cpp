// -C and -F: memcached's answers with them, asked of memcached 1.6.18.
#include <doctest/doctest.h>

#include <string>

#include "tests/store/executor_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

TEST_CASE("without cas every item says 0") {
  Conversation client;
  client.executor.set_rules({.cas = false});
  CHECK(client.say(set("a", "b")) == "STORED\r\n");
  CHECK(client.say("gets a\r\n") == "VALUE a 0 1 0\r\nb\r\nEND\r\n");
  CHECK(client.say("gats 0 a\r\n") == "VALUE a 0 1 0\r\nb\r\nEND\r\n");
  CHECK(client.say("mg a c v\r\n") == "VA 1 c0\r\nb\r\n");
  CHECK(client.say("ms a 1 c\r\nx\r\n") == "HD c0\r\n");
  CHECK(client.say("ms a 1 E9 c\r\n1\r\n") == "HD c0\r\n");
  CHECK(client.say("ma a c v\r\n") == "VA 1 c0\r\n2\r\n");
  CHECK(client.say("me a\r\n").find(" cas=0 ") != std::string::npos);
}

TEST_CASE("without cas nothing that is compared fits") {
  Conversation client;
  client.executor.set_rules({.cas = false});
  client.say("ms a 1 E9\r\n1\r\n");
  for (const std::string cas : {"0", "1", "9", "18446744073709551615"}) {
    CAPTURE(cas);
    CHECK(client.say("cas a 0 0 1 " + cas + "\r\nx\r\n") == "EXISTS\r\n");
    CHECK(client.say("ms a 1 c C" + cas + "\r\nx\r\n") == "EX c0\r\n");
    CHECK(client.say("ms a 1 I C" + cas + "\r\nx\r\n") == "EX\r\n");
  }
  CHECK(client.say("cas none 0 0 1 0\r\nx\r\n") == "NOT_FOUND\r\n");
  CHECK(client.say("ma a C9\r\n") == "EX\r\n");
  CHECK(client.say("md a C9\r\n") == "EX\r\n");
  CHECK(client.say("ma a C0 v\r\n") == "VA 1\r\n2\r\n");  // an item of cas 0
  CHECK(client.say("md a C0\r\n") == "HD\r\n");
}

TEST_CASE("without flush_all it is refused and flushes nothing") {
  Conversation client;
  client.executor.set_rules({.flush_all = false});
  client.say(set("a", "b"));
  const std::string refusal = "CLIENT_ERROR flush_all not allowed\r\n";
  CHECK(client.say("flush_all\r\n") == refusal);
  CHECK(client.say("flush_all 5\r\n") == refusal);
  CHECK(client.say("flush_all x\r\n") == refusal);
  CHECK(client.say("flush_all noreply\r\n").empty());
  client.now += 10;
  CHECK(client.say("get a\r\n") == "VALUE a 0 1\r\nb\r\nEND\r\n");
}
