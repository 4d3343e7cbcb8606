#include "store/executor_prefixes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/store/executor_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

namespace {

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// 240 bytes.
std::string prefix(int number) {
  std::string text = std::to_string(number);
  text.resize(240, 'p');
  return text;
}

}  // namespace

TEST_CASE("stats detail dump comes in pieces, however many prefixes there are") {
  Conversation client;
  client.say("stats detail on\r\n");
  constexpr int kPrefixes = 5000;
  for (int i = 0; i < kPrefixes; ++i) {
    client.say("get " + prefix(i) + ":k\r\n");
    client.say("delete " + prefix(i) + ":k\r\n");
  }
  client.parse("stats detail dump\r\n");
  client.executor.begin_turn(client.now);
  REQUIRE(client.executor.execute(client.request, {}, client.out) == Executor::Next::kDump);
  CHECK(client.out.empty());
  const auto dump = client.executor.take_dump();
  CHECK(client.host.dump_control.running() == 1);
  std::string all;
  for (bool done = false; !done;) {
    done = client.executor.continue_dump(*dump, client.out);
    const std::string piece = client.take_output();
    REQUIRE(lines(piece) <= kPrefixPieceRows + (done ? 1 : 0));
    all += piece;
  }
  client.executor.end_turn();
  CHECK(lines(all) == kPrefixes + 1);
  CHECK(all.ends_with("\r\nEND\r\n"));
  for (const int number : {0, 1, kPrefixes / 2, kPrefixes - 1}) {
    const std::string line = "PREFIX " + prefix(number) + " get 1 hit 0 set 0 del 1\r\n";
    const bool has_line = all.find(line) != std::string::npos;
    CHECK(has_line);
  }
}

TEST_CASE("stats detail dump takes a place of the listings") {
  Conversation client;
  client.say("stats detail on\r\nget a:k\r\n");
  std::vector<std::unique_ptr<Dump>> dumps;
  for (unsigned i = 0; i < kDumpsMax; ++i) {
    REQUIRE(client.host.dump_control.take());
    dumps.push_back(std::make_unique<PrefixDump>(client.host.counts, client.host.dump_control));
  }
  CHECK(client.say("stats detail dump\r\n") == "SERVER_ERROR too many listings at once\r\n");
  CHECK(client.host.dump_control.refused() == 1);
  dumps.pop_back();
  CHECK(client.say("stats detail dump\r\n") == "PREFIX a get 1 hit 0 set 0 del 0\r\nEND\r\n");
  CHECK(client.host.dump_control.running() == kDumpsMax - 1);
}
