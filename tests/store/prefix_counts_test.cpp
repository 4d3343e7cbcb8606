#include "store/prefix_counts.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace ringcache::store;
using Event = PrefixCounts::Event;

namespace {

std::string words(const PrefixCounts::Counts& counts) {
  return " get " + std::to_string(counts.gets) + " hit " + std::to_string(counts.hits) + " set " +
         std::to_string(counts.stores) + " del " + std::to_string(counts.deletes) + "\n";
}

// The next piece, into `rows`, where none of it may be yet.
void add_piece(PrefixWalk& walk, std::map<std::string, std::string>& rows) {
  const auto piece = walk.next();
  REQUIRE(piece.size() <= kPrefixPieceRows);
  for (const PrefixRow& row : piece) {
    REQUIRE(rows.emplace(row.prefix(), words(row.counts)).second);
  }
}

void add_rest(PrefixWalk& walk, std::map<std::string, std::string>& rows) {
  while (!walk.done()) add_piece(walk, rows);
  CHECK(walk.next().empty());
}

// By name.
std::string dump(const PrefixCounts& counts) {
  PrefixWalk walk(counts);
  std::map<std::string, std::string> rows;
  add_rest(walk, rows);
  std::string text;
  for (const auto& [prefix, shown] : rows) text.append("PREFIX ").append(prefix).append(shown);
  return text;
}

void store_each(PrefixCounts::Table& table, int from, int to) {
  for (int i = from; i < to; ++i) table.count(std::to_string(i) + ":x", Event::kStore);
}

}  // namespace

TEST_CASE("keys are counted by what stands before the first delimiter") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& table = counts.add_worker();
  table.count("user:1:name", Event::kHit);
  table.count("user:2", Event::kMiss);
  table.count("user:2", Event::kStore);
  table.count("page:2", Event::kDelete);
  table.count(":2", Event::kMiss);
  table.count("without", Event::kHit);
  CHECK(dump(counts) ==
        "PREFIX  get 1 hit 0 set 0 del 0\n"
        "PREFIX page get 0 hit 0 set 0 del 1\n"
        "PREFIX user get 2 hit 1 set 1 del 0\n");
  counts.reset();
  CHECK(dump(counts).empty());
}

TEST_CASE("a binary key writes no lines into the listing") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& table = counts.add_worker();
  table.count("x get 0\r\nEND\r\nVALUE k 0 3\r\nbad\r\nEND\r\n:1", Event::kHit);
  table.count("line\n:1", Event::kHit);
  table.count("delete\x7F:1", Event::kHit);
  table.count("plain:1", Event::kHit);
  CHECK(dump(counts) == "PREFIX plain get 1 hit 1 set 0 del 0\n");
}

TEST_CASE("the delimiter may be another") {
  PrefixCounts counts('/', true);
  counts.add_worker().count("a:b/c/d", Event::kHit);
  CHECK(dump(counts) == "PREFIX a:b get 1 hit 1 set 0 del 0\n");
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
  for (int i = 0; i < 50; ++i) CHECK(dump(counts).size() < 100);
  first.join();
  second.join();
  CHECK(dump(counts) == "PREFIX a get 4000 hit 4000 set 0 del 0\n");
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
  CHECK(dump(counts).find("PREFIX 0 get 0 hit 0 set 2 del 0\n") != std::string::npos);
  counts.reset();
  table.count("other:y", Event::kStore);
  CHECK(dump(counts) == "PREFIX other get 0 hit 0 set 1 del 0\n");
}

TEST_CASE("a walk lists a prefix of several workers once") {
  PrefixCounts counts(':', true);
  store_each(counts.add_worker(), 0, 100);
  counts.add_worker();
  store_each(counts.add_worker(), 50, 150);
  store_each(counts.add_worker(), 25, 175);
  PrefixWalk walk(counts);
  std::map<std::string, std::string> rows;
  add_rest(walk, rows);
  CHECK(rows.size() == 175);
  const auto stores = [&rows](int number) {
    const std::string& text = rows[std::to_string(number)];
    return text.substr(text.find("set"), 5);
  };
  CHECK(stores(0) == "set 1");
  CHECK(stores(25) == "set 2");
  CHECK(stores(50) == "set 3");
  CHECK(stores(100) == "set 2");
  CHECK(stores(174) == "set 1");
}

TEST_CASE("what comes while a walk is under way hides nothing from it") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& first = counts.add_worker();
  PrefixCounts::Table& second = counts.add_worker();
  store_each(first, 0, 100);
  store_each(second, 1000, 1100);
  PrefixWalk walk(counts);
  std::map<std::string, std::string> rows;
  add_piece(walk, rows);
  store_each(first, 1000, 1100);  // the other one's
  store_each(second, 0, 100);     // some were listed already
  store_each(first, 5000, 5100);
  add_rest(walk, rows);
  CHECK(rows.size() == 200);
  CHECK(rows["1000"] == words({.stores = 2}));
  CHECK(rows["0"] == words({.stores = 1}));
  CHECK(rows["99"] == words({.stores = 2}));
}

TEST_CASE("a piece is small where many tables are looked at") {
  PrefixCounts counts(':', true);
  for (int worker = 0; worker < 128; ++worker) store_each(counts.add_worker(), 0, 100);
  PrefixWalk walk(counts);
  CHECK(walk.next().size() == kPrefixPieceLookups / 128);
}

TEST_CASE("a reset ends the walks that are under way") {
  PrefixCounts counts(':', true);
  PrefixCounts::Table& table = counts.add_worker();
  store_each(table, 0, 100);
  PrefixWalk walk(counts);
  CHECK(walk.next().size() == kPrefixPieceRows);
  counts.reset();
  store_each(table, 0, 100);
  CHECK_FALSE(walk.done());
  CHECK(walk.next().empty());
  CHECK(walk.done());
}

TEST_CASE("walks begun before, amid and after a reset") {
  PrefixCounts counts(':', true);
  std::vector<PrefixCounts::Table*> tables;
  for (int i = 0; i < 8; ++i) tables.push_back(&counts.add_worker());
  for (int round = 0; round < 50; ++round) {
    // Different ones, so that a reset takes longer than a walk takes to begin.
    for (int i = 0; i < 8; ++i) store_each(*tables[i], i * 500, (i + 1) * 500);
    std::atomic<bool> done{false};
    std::thread resetter([&] {
      counts.reset();
      done = true;
    });
    do {
      store_each(*tables[0], 0, 10);  // its worker goes on
      dump(counts);
    } while (!done);
    resetter.join();
  }
  counts.reset();
  CHECK(dump(counts).empty());
}
