#include "store/prefix_counts.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>

using namespace ringcache::store;
using Event = PrefixCounts::Event;

TEST_CASE("keys are counted by what stands before the first delimiter") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& table = counts.add_worker();
  table.count("user:1:name", Event::kHit);
  table.count("user:2", Event::kMiss);
  table.count("user:2", Event::kStore);
  table.count("page:2", Event::kDelete);
  table.count(":2", Event::kMiss);
  table.count("without", Event::kHit);
  CHECK(counts.dump() ==
        "PREFIX  get 1 hit 0 set 0 del 0\r\n"
        "PREFIX page get 0 hit 0 set 0 del 1\r\n"
        "PREFIX user get 2 hit 1 set 1 del 0\r\n");
  counts.reset();
  CHECK(counts.dump().empty());
}

TEST_CASE("a binary key writes no lines into the listing") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& table = counts.add_worker();
  table.count("x get 0\r\nEND\r\nVALUE k 0 3\r\nbad\r\nEND\r\n:1", Event::kHit);
  table.count("line\n:1", Event::kHit);
  table.count("delete\x7F:1", Event::kHit);
  table.count("plain:1", Event::kHit);
  CHECK(counts.dump() == "PREFIX plain get 1 hit 1 set 0 del 0\r\n");
}

TEST_CASE("the delimiter may be another") {
  PrefixCounts counts('/', true);
  counts.add_worker().count("a:b/c/d", Event::kHit);
  CHECK(counts.dump() == "PREFIX a:b get 1 hit 1 set 0 del 0\r\n");
}

TEST_CASE("counts of all workers are added, while they count") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& one = counts.add_worker();
  PrefixCounts::Table& two = counts.add_worker();
  constexpr int kTimes = 2000;
  const auto work = [](PrefixCounts::Table& table) {
    for (int i = 0; i < kTimes; ++i) table.count("a:" + std::to_string(i), Event::kHit);
  };
  std::thread first(work, std::ref(one));
  std::thread second(work, std::ref(two));
  for (int i = 0; i < 50; ++i) CHECK(counts.dump().size() < 100);
  first.join();
  second.join();
  CHECK(counts.dump() == "PREFIX a get 4000 hit 4000 set 0 del 0\r\n");
}

TEST_CASE("prefixes that there is no room for are counted together") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& table = counts.add_worker();
  counts.add_worker();  // has half of the room
  for (std::size_t i = 0; i < kPrefixesMax; ++i) {
    table.count(std::to_string(i) + ":x", Event::kStore);
  }
  CHECK(counts.uncounted() == kPrefixesMax / 2);
  table.count("0:y", Event::kStore);  // has a row
  CHECK(counts.uncounted() == kPrefixesMax / 2);
  CHECK(counts.dump().find("PREFIX 0 get 0 hit 0 set 2 del 0\r\n") != std::string::npos);
  counts.reset();
  table.count("other:y", Event::kStore);
  CHECK(counts.dump() == "PREFIX other get 0 hit 0 set 1 del 0\r\n");
}
