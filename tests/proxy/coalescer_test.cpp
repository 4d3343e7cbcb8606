#include "proxy/coalescer.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "proxy/write_epochs.h"

using namespace ringcache;
using namespace ringcache::proxy;
using protocol::Command;

namespace {

struct Sharing {
  Coalescer::Get get(std::string_view key, Command command = Command::kGet,
                     routing::PoolIndex pool = 0) const {
    const std::size_t hash = std::hash<std::string_view>{}(key);
    return {command, pool, key, hash, epochs.of(hash)};
  }
  PendingRequest& request() {
    PendingRequest& taken = requests.take();
    taken.parts_left = 1;
    taken.ends_values = true;
    return taken;
  }
  // Sent to the node: others may join it.
  PendingRequest& leader(std::string_view key, Command command = Command::kGet) {
    PendingRequest& made = request();
    coalescer.lead(get(key, command), made);
    return made;
  }
  void write(std::string_view key) {
    WriteMarks marks;
    marks.begin(epochs, std::hash<std::string_view>{}(key));
    marks.done();
  }
  bool joins(const Coalescer::Get& get) {
    PendingRequest& made = request();
    const bool joined = coalescer.join(get, made);
    if (!joined) requests.give_back(made);
    return joined;
  }

  WriteEpochs epochs;
  Coalescer coalescer;
  net::BlockPool blocks;
  PendingPool requests{blocks};
};

}  // namespace

TEST_CASE("a get joins one for the same of its pool, and no other") {
  Sharing s;
  PendingRequest& leader = s.leader("k");
  CHECK(s.joins(s.get("k")));
  CHECK(s.joins(s.get("k")));
  CHECK_FALSE(s.joins(s.get("other")));
  CHECK_FALSE(s.joins(s.get("k", Command::kGets)));
  CHECK_FALSE(s.joins(s.get("k", Command::kGet, 1)));
  CHECK(leader.follower_count == 2);
  leader.part_done(0);  // and with it those who joined
  CHECK(s.requests.in_use() == 0);
  CHECK_FALSE(s.joins(s.get("k")));
}

TEST_CASE("nobody joins when something of the answer has come") {
  Sharing s;
  PendingRequest& leader = s.leader("k");
  CHECK(s.joins(s.get("k")));
  leader.append("VALUE");
  CHECK_FALSE(s.joins(s.get("k")));
  leader.part_done(0);
  CHECK(s.requests.in_use() == 0);
}

TEST_CASE("nobody joins across a write to the key, by whichever worker, or a flush") {
  Sharing s;
  PendingRequest& before = s.leader("k");
  s.write("k");
  CHECK_FALSE(s.joins(s.get("k")));
  // The first get after it is one that can be joined.
  PendingRequest& after = s.leader("k");
  CHECK(s.joins(s.get("k")));
  before.part_done(0);
  CHECK(s.joins(s.get("k")));
  WriteMarks flush;
  flush.begin_all(s.epochs);
  CHECK_FALSE(s.joins(s.get("k")));
  after.part_done(0);
  flush.done();
  CHECK(s.requests.in_use() == 0);
}

TEST_CASE("get and gets of one key are shared beside each other") {
  Sharing s;
  PendingRequest& get = s.leader("k");
  PendingRequest& gets = s.leader("k", Command::kGets);
  for (int i = 0; i < 3; ++i) {
    CHECK(s.joins(s.get("k")));
    CHECK(s.joins(s.get("k", Command::kGets)));
  }
  CHECK(get.follower_count == 3);
  CHECK(gets.follower_count == 3);
  get.part_done(0);
  gets.part_done(0);
}

TEST_CASE("who follows and whose client goes is forgotten with the answer") {
  Sharing s;
  PendingRequest& leader = s.leader("k");
  PendingRequest& follower = s.request();
  REQUIRE(s.coalescer.join(s.get("k"), follower));
  follower.session = nullptr;
  leader.append("VALUE k 0 1\r\nx\r\n");
  leader.part_done(0);
  CHECK(s.requests.in_use() == 0);
}

TEST_CASE("the owner of a key may change: nobody joins who was sent before") {
  Sharing s;
  PendingRequest& leader = s.leader("k");
  s.coalescer.end_all();
  CHECK_FALSE(s.joins(s.get("k")));
  leader.part_done(0);
}

TEST_CASE("two keys that meet in a place: the second is not shared, the first goes on") {
  Sharing s;
  PendingRequest& first = s.leader("k");
  Coalescer::Get same_place = s.get("k");
  same_place.key = "another";
  PendingRequest& second = s.request();
  s.coalescer.lead(same_place, second);
  CHECK_FALSE(s.joins(same_place));
  CHECK(s.joins(s.get("k")));
  second.part_done(0);
  CHECK(s.joins(s.get("k")));
  first.part_done(0);
  CHECK(s.requests.in_use() == 0);
}

TEST_CASE("so many may follow one") {
  Sharing s;
  PendingRequest& leader = s.leader("k");
  for (std::uint32_t i = 0; i < Coalescer::kFollowersMax; ++i) REQUIRE(s.joins(s.get("k")));
  CHECK_FALSE(s.joins(s.get("k")));
  leader.part_done(0);
  CHECK(s.requests.in_use() == 0);
}
