#include "store/executor_dump.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "tests/store/executor_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

namespace {

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void fill(Conversation& client, int items, std::size_t value_bytes) {
  for (int i = 0; i < items; ++i) {
    REQUIRE(client.say(set("key" + std::to_string(i), std::string(value_bytes, 'v'))) ==
            "STORED\r\n");
  }
}

}  // namespace

TEST_CASE("a listing comes in pieces, each of which looks at few chunks") {
  Conversation client;
  fill(client, 5000, 10);
  client.parse("lru_crawler metadump all\r\n");
  client.executor.begin_turn(client.now);
  CHECK(client.executor.execute(client.request, {}, client.out) == Executor::Next::kDump);
  const auto dump = client.executor.take_dump();
  std::size_t items = 0;
  std::string last;
  for (bool done = false; !done;) {
    done = client.executor.continue_dump(*dump, client.out);
    last = client.take_output();
    CHECK(lines(last) <= kDumpPieceChunks + (done ? 1 : 0));
    items += lines(last);
  }
  client.executor.end_turn();
  CHECK(items == 5001);
  CHECK(last.ends_with("END\r\n"));
}

TEST_CASE("times are Unix times, and cas is hidden where there is none") {
  Conversation client;
  client.now = 1000;
  client.say(set("k", "v", "0 100"));
  CHECK(client.say("lru_crawler metadump all\r\n") ==
        "key=k exp=1700001100 la=1700001000 cas=1 fetch=no cls=1 size=26\nEND\r\n");
  CHECK(client.say("stats cachedump 1 0\r\n") == "ITEM k [1 b; 1700001100 s]\r\nEND\r\n");
  client.executor.set_rules({.cas = false});
  CHECK(client.say("lru_crawler metadump all\r\n") ==
        "key=k exp=1700001100 la=1700001000 cas=0 fetch=no cls=1 size=26\nEND\r\n");
}

TEST_CASE("the longest line fits") {
  Conversation client;
  const std::string key(250, '%');
  client.say(set(key, "v"));
  std::string encoded;
  for (int i = 0; i < 250; ++i) encoded += "%25";
  CHECK(client.say("lru_crawler metadump all\r\n").starts_with("key=" + encoded + " exp=-1"));
  CHECK(client.say("lru_crawler mgdump all\r\n") == "mg " + key + "\r\nEN\r\n");
}

TEST_CASE("stats cachedump ends at its limits") {
  Conversation client;
  fill(client, 100, 10);
  CHECK(lines(client.say("stats cachedump 1 7\r\n")) == 8);
  CHECK(lines(client.say("stats cachedump 1 0\r\n")) == 101);
  for (int i = 0; i < 10'000; ++i) {
    client.say(set(std::to_string(i) + std::string(240, 'k'), "v"));
  }
  std::string all;
  for (int number = 1; number < 60; ++number) {
    all = std::max(all, client.say("stats cachedump " + std::to_string(number) + " 0\r\n"),
                   [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
  }
  CHECK(all.size() <= kCachedumpBytesMax + 5);
  CHECK(all.size() > kCachedumpBytesMax * 9 / 10);
  CHECK(all.ends_with("END\r\n"));
}

TEST_CASE("stats sizes has as many rows as there are sizes") {
  Conversation client;
  for (int i = 0; i < 600; ++i) {
    client.say(set("key" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 32, 'v')));
  }
  const std::string sizes = client.say("stats sizes\r\n");
  CHECK(lines(sizes) >= 600);
  CHECK(lines(sizes) <= 602);
  CHECK(sizes.ends_with(" 1\r\nEND\r\n"));
}

TEST_CASE("with -X keys are not listed, sizes are") {
  Conversation client;
  fill(client, 1, 1);
  client.executor.set_rules({.dump = false});
  CHECK(client.say("lru_crawler metadump all\r\n") == "ERROR metadump not allowed\r\n");
  CHECK(client.say("lru_crawler mgdump x\r\n") == "ERROR metadump not allowed\r\n");
  CHECK(client.say("stats cachedump 1 0\r\n") == "CLIENT_ERROR stats cachedump not allowed\r\n");
  CHECK(client.say("stats sizes\r\n") == "STAT 32 1\r\nEND\r\n");
  CHECK(client.say("lru_crawler crawl all\r\n") == "OK\r\n");
}

TEST_CASE("only so many listings at once") {
  Conversation client;
  fill(client, 1, 1);
  std::vector<std::unique_ptr<Dump>> dumps;
  for (unsigned i = 0; i < kDumpsMax; ++i) {
    REQUIRE(client.host.dump_control.take());
    dumps.push_back(std::make_unique<ItemDump>(DumpOrder{}, client.host.dump_control, 0));
  }
  CHECK(client.say("lru_crawler metadump all\r\n") ==
        "BUSY currently processing crawler request\r\n");
  CHECK(client.say("stats cachedump 1 0\r\n") == "SERVER_ERROR too many listings at once\r\n");
  CHECK(client.say("stats sizes\r\n") == "SERVER_ERROR too many listings at once\r\n");
  CHECK(client.host.dump_control.refused() == 3);
  CHECK(client.host.dump_control.running() == kDumpsMax);
  dumps.pop_back();
  CHECK(client.say("lru_crawler mgdump all\r\n") == "mg key0\r\nEN\r\n");
  CHECK(client.host.dump_control.running() == kDumpsMax - 1);
  CHECK(client.host.dump_control.started() == kDumpsMax + 1);
}
