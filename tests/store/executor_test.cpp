// What the executor does beyond the answers themselves, which the scripts of tests/wire/ compare
// with memcached's: time, memory, values in pieces, budgets.
#include "store/executor.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/store/executor_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

TEST_CASE("values of every size come back, copied or pinned") {
  Conversation client;
  for (const std::size_t bytes :
       {0, 1, 100, 4000, 8100, 8191, 8192, 8300, 20'000, 65'536, 300'000, 1'048'576, 3'000'000}) {
    CAPTURE(bytes);
    const std::string value = big_value(bytes);
    CHECK(client.say(set("k", value)) == "STORED\r\n");
    CHECK(same(client.say("get k\r\n"), value_line("k", value) + "END\r\n"));
    CHECK(same(client.say("mg k v\r\n"), "VA " + std::to_string(bytes) + "\r\n" + value + "\r\n"));
    CHECK(client.budget.pinned_bytes() == 0);
  }
  CHECK(client.store.check_integrity() == "");
}

TEST_CASE("a pinned value stays what it was while the item is replaced, deleted, flushed") {
  Conversation client;
  const std::string first = big_value(500'000);
  client.say(set("k", first));
  client.executor.begin_turn(client.now);
  client.parse("get k\r\n");
  client.executor.retrieve(client.request, 0, SIZE_MAX, client.out);
  client.executor.end_turn();
  CHECK(client.budget.pinned_bytes() == first.size());

  net::WriteBuffer other(client.pool);
  client.executor.begin_turn(client.now);
  for (const char* line : {"delete k\r\n", "flush_all\r\n"}) {
    const HashedKey key = client.parse(line);
    client.executor.execute(client.request, key, other);
  }
  client.executor.end_turn();
  // Fill the store several times over: nothing may be put where the pinned value lies.
  for (int i = 0; i < 60; ++i) {
    client.executor.begin_turn(client.now);
    const std::string text = set("other" + std::to_string(i), std::string(900'000, 'z'));
    const std::string line = text.substr(0, text.find('\n') + 1);
    const HashedKey key = client.parse(line);
    client.executor.store(client.request, key, std::string_view(text).substr(line.size()), other);
    client.executor.end_turn();
  }
  CHECK(same(client.take_output(), value_line("k", first) + "END\r\n"));
  CHECK(client.budget.pinned_bytes() == 0);
  CHECK(client.say("get k\r\n") == "END\r\n");
}

TEST_CASE("an item that many wait for is counted once, and never copied") {
  Conversation client;
  const std::string value = big_value(4'000'000);
  client.say(set("k", value));
  client.executor.begin_turn(client.now);
  client.parse("get k k k k k k\r\n");
  client.executor.retrieve(client.request, 0, SIZE_MAX, client.out);
  client.executor.end_turn();
  CHECK(client.budget.pinned_bytes() == value.size());
  CHECK(client.budget.copied_bytes() == 0);
  CHECK(client.pool.borrowed_bytes() < value.size());
  std::string all;
  for (int i = 0; i < 6; ++i) all += value_line("k", value);
  CHECK(same(client.take_output(), all + "END\r\n"));
  CHECK(client.budget.pinned_bytes() == 0);
}

TEST_CASE("above the budget large values are copied instead of pinned, and above that refused") {
  Conversation client;
  const std::string value = big_value(600'000);
  std::string line = "get";
  for (int i = 0; i < 15; ++i) {
    client.say(set("k" + std::to_string(i), value));
    line += " k" + std::to_string(i);
  }
  client.executor.begin_turn(client.now);
  line += "\r\n";
  client.parse(line);
  CHECK(client.executor.retrieve(client.request, 0, SIZE_MAX, client.out) == Executor::kRefused);
  // A quarter of 16 MiB: the seventh one goes above it.
  CHECK(client.budget.pinned_bytes() == 7 * value.size());
  CHECK(client.budget.copied_bytes() == 7 * value.size());
  net::WriteBuffer other(client.pool);
  client.parse("mg k14 v\r\n");
  client.executor.execute(client.request, client.executor.hashed("k14"), other);
  client.executor.end_turn();
  CHECK(client.executor.reads_refused().value() == 2);
  std::string all;
  for (int i = 0; i < 14; ++i) all += value_line("k" + std::to_string(i), value);
  CHECK(same(client.take_output(), all + "SERVER_ERROR out of memory writing get response\r\n"));
  client.out.take(other);
  CHECK(same(client.take_output(), "SERVER_ERROR out of memory writing get response\r\n"));
  CHECK(client.budget.pinned_bytes() == 0);
  CHECK(client.budget.copied_bytes() == 0);
  CHECK(same(client.say("get k14\r\n"), value_line("k14", value) + "END\r\n"));
}

TEST_CASE("a dropped output releases what it pinned") {
  Conversation client;
  client.say(set("k", big_value(1'000'000)));
  client.executor.begin_turn(client.now);
  client.parse("get k\r\n");
  client.executor.retrieve(client.request, 0, SIZE_MAX, client.out);
  client.executor.end_turn();
  client.out.clear();
  CHECK(client.budget.pinned_bytes() == 0);
  CHECK(client.store.check_integrity() == "");
}

TEST_CASE("a multiget stops at the output limit and goes on") {
  Conversation client;
  std::string line = "get";
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string key = "k" + std::to_string(i);
    const std::string value = big_value(1000 + i);
    client.say(set(key, value));
    line += ' ' + key;
    expected += value_line(key, value);
  }
  line += "\r\n";
  std::string text;
  std::size_t answered = 0;
  int calls = 0;
  while (answered < 40) {
    client.executor.begin_turn(client.now);
    client.parse(line);
    const std::size_t before = answered;
    answered = client.executor.retrieve(client.request, answered, 5000, client.out);
    client.executor.end_turn();
    REQUIRE(answered > before);
    CHECK(client.out.bytes() < 5000 + 2000);
    text += client.take_output();
    ++calls;
  }
  CHECK(calls > 5);
  CHECK(same(text, expected + "END\r\n"));
}

TEST_CASE("a value that arrives in pieces is stored when it is complete") {
  Conversation client;
  const std::string value = big_value(700'000);
  PendingStore pending;
  client.say(set("k", "older"));
  client.executor.begin_turn(client.now);
  const HashedKey key = client.parse("set k 5 0 700000\r\n");
  REQUIRE(client.executor.start_store(client.request, key, pending, client.out));
  client.executor.end_turn();
  CHECK(client.budget.reserved_bytes() == value.size());
  CHECK(client.say("get k\r\n") == value_line("k", "older") + "END\r\n");

  pending.reservation.write(std::string_view(value).substr(0, 123'457));
  pending.reservation.write(std::string_view(value).substr(123'457));
  SUBCASE("and ends well") {
    client.executor.begin_turn(client.now);
    client.executor.finish_store(pending, true, client.out);
    client.executor.end_turn();
    CHECK(client.take_output() == "STORED\r\n");
    CHECK(same(client.say("get k\r\n"), "VALUE k 5 700000\r\n" + value + "\r\nEND\r\n"));
  }
  SUBCASE("or is refused when no CRLF follows") {
    client.executor.begin_turn(client.now);
    client.executor.finish_store(pending, false, client.out);
    client.executor.end_turn();
    CHECK(client.take_output() == "CLIENT_ERROR bad data chunk\r\n");
    CHECK(client.say("get k\r\n") == value_line("k", "older") + "END\r\n");
  }
  SUBCASE("or forgotten when its client goes") {
    client.executor.abandon_store(pending);
    CHECK(client.say("get k\r\n") == value_line("k", "older") + "END\r\n");
  }
  CHECK(client.budget.reserved_bytes() == 0);
  CHECK(client.store.check_integrity() == "");
}

TEST_CASE("the answer to a streamed ms has the flags of its request") {
  Conversation client;
  PendingStore pending;
  client.executor.begin_turn(client.now);
  std::string line = "ms Zm9v 5000 b k Oxyz c\r\n";
  const HashedKey key = client.parse(line);
  REQUIRE(client.executor.start_store(client.request, key, pending, client.out));
  line.assign(line.size(), '#');  // the input is gone by then
  pending.reservation.write(std::string(5000, 'v'));
  client.executor.finish_store(pending, true, client.out);
  client.executor.end_turn();
  CHECK(client.take_output() == "HD kZm9v b Oxyz c1\r\n");
}

TEST_CASE("values that arrive at once may take half of the memory") {
  Conversation client;
  std::vector<PendingStore> pending(9);
  client.say(set("k", "older"));
  client.executor.begin_turn(client.now);
  const HashedKey key = client.parse("set k 0 0 1000000\r\n");
  for (int i = 0; i < 8; ++i) {
    CHECK(client.executor.start_store(client.request, key, pending[i], client.out));
  }
  CHECK_FALSE(client.executor.start_store(client.request, key, pending[8], client.out));
  client.executor.end_turn();
  CHECK(client.take_output() == "SERVER_ERROR out of memory storing object\r\n");
  CHECK(client.executor.uploads_refused().value() == 1);
  CHECK(client.say("get k\r\n") == "END\r\n");
  for (PendingStore& each : pending) client.executor.abandon_store(each);
  CHECK(client.budget.reserved_bytes() == 0);
}

TEST_CASE("a set that can't be stored does not leave the older value") {
  Conversation client;
  const std::string too_large = big_value(5'000'000);
  client.say(set("k", "older"));
  CHECK(client.say(set("k", too_large)) == "SERVER_ERROR object too large for cache\r\n");
  CHECK(client.say("get k\r\n") == "END\r\n");

  const std::string older = big_value(1000);
  client.say(set("k", older));
  CHECK(client.say("add k 0 0 5000000\r\n" + too_large + "\r\n") ==
        "SERVER_ERROR object too large for cache\r\n");
  CHECK(client.say("append k 0 0 4194000\r\n" + big_value(4'194'000) + "\r\n") == "NOT_STORED\r\n");
  CHECK(same(client.say("get k\r\n"), value_line("k", older) + "END\r\n"));
}

TEST_CASE("time passes only as the caller says") {
  Conversation client;
  client.say(set("relative", "v", "0 10"));
  client.say(set("absolute", "v", "0 " + std::to_string(kUnixOffset + kClockStart + 20)));
  client.say(set("past", "v", "0 -1"));
  CHECK(client.say("get past\r\n") == "END\r\n");
  client.now = kClockStart + 9;
  CHECK(client.say("mg relative t\r\nmg absolute t\r\n") == "HD t1\r\nHD t11\r\n");
  client.now = kClockStart + 10;
  CHECK(client.say("mg relative\r\nmg absolute t\r\n") == "EN\r\nHD t10\r\n");
  CHECK(client.say("touch absolute 100\r\nmg absolute t\r\n") == "TOUCHED\r\nHD t100\r\n");
  CHECK(client.say("gat 50 absolute\r\nmg absolute t\r\n") ==
        value_line("absolute", "v") + "END\r\nHD t50\r\n");
}

TEST_CASE("flush_all now, later, and in the past") {
  Conversation client;
  client.say(set("k", "v"));
  CHECK(client.say("flush_all 10\r\nmg k\r\n") == "OK\r\nHD\r\n");
  client.now += 9;
  CHECK(client.say("mg k\r\n") == "HD\r\n");
  client.now += 1;
  CHECK(client.say("mg k\r\n") == "EN\r\n");
  client.say(set("k", "v"));
  CHECK(client.say("flush_all -1 noreply\r\nmg k\r\n") == "EN\r\n");
}

TEST_CASE("flush_all at a time that the clock never reaches leaves the cache alone") {
  Conversation client;
  client.say(set("k", "v"));
  CHECK(client.say("flush_all 10000000000\r\nmg k\r\n") == "OK\r\nHD\r\n");
  client.now += 1'000'000;
  CHECK(client.say("mg k\r\n") == "HD\r\n");
  CHECK(client.say("flush_all 10\r\nflush_all 9223372036854775807\r\n") == "OK\r\nOK\r\n");
  client.now += 1'000'000;
  CHECK(client.say("mg k\r\n") == "HD\r\n");
  CHECK(client.say("flush_all\r\nmg k\r\n") == "OK\r\nEN\r\n");
}

TEST_CASE("noreply hides what it should, errors of the store included") {
  Conversation client;
  CHECK(client.say("set k 0 0 1 noreply\r\n5\r\nincr k 1 noreply\r\ndelete k noreply\r\n"
                   "touch k 0 noreply\r\nflush_all noreply\r\nverbosity 1 noreply\r\n") == "");
  CHECK(client.say("set k 0 0 5000000 noreply\r\n" + big_value(5'000'000) + "\r\n") == "");
  CHECK(client.say("set k 0 0 2 noreply\r\nabcd") == "");
  CHECK(client.say("ms k 5000000 q\r\n" + big_value(5'000'000) + "\r\n") ==
        "SERVER_ERROR object too large for cache\r\n");
  CHECK(client.say("ms k 2 q\r\nab\r\nmg absent q\r\nmd k q\r\nmn\r\n") == "MN\r\n");
}

TEST_CASE("commands about the process reach the host") {
  Conversation client;
  client.now = 77;
  CHECK(client.say("version\r\n") == "VERSION 1.2.3-test\r\n");
  CHECK(client.say("verbosity 2\r\n") == "OK\r\n");
  CHECK(client.host.level == 2);
  CHECK(client.say("stats reset\r\n") == "RESET\r\n");
  CHECK(client.host.resets == 1);
  CHECK(client
            .say("stats\r\nstats settings\r\nstats items\r\nstats slabs\r\nstats conns\r\n"
                 "stats sizes_disable\r\n")
            .starts_with("STAT now 77\r\nEND\r\nSTAT now 77\r\nEND\r\n"));
  CHECK(client.host.asked == std::vector<StatsKind>{StatsKind::kGeneral, StatsKind::kSettings,
                                                    StatsKind::kItems, StatsKind::kSlabs,
                                                    StatsKind::kConns});
  CHECK(client.say("stats nonsense\r\n") == "ERROR\r\n");
  client.parse("quit\r\n");
  client.executor.begin_turn(client.now);
  CHECK(client.executor.execute(client.request, {}, client.out) == Executor::Next::kClose);
  client.executor.end_turn();
}
