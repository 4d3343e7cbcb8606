#include "routing/shadow.h"

#include <doctest/doctest.h>

#include <string>

#include "routing/ring.h"

namespace ringcache::routing {

namespace {

constexpr int kKeys = 20'000;

int taken_of(const Shadow& shadow) {
  int taken = 0;
  for (int i = 0; i < kKeys; ++i) taken += shadow.takes("key:" + std::to_string(i)) ? 1 : 0;
  return taken;
}

}  // namespace

TEST_CASE("the share of the keys is the one that was asked for") {
  for (const std::uint32_t percent : {1U, 10U, 50U, 99U}) {
    const int expected = kKeys / 100 * static_cast<int>(percent);
    const int taken = taken_of(Shadow({.pool = "canary", .percent = percent}, 1));
    CHECK(taken > expected - kKeys / 50);
    CHECK(taken < expected + kKeys / 50);
    CHECK(taken > 0);
  }
  CHECK(taken_of(Shadow({.pool = "canary", .percent = 100}, 1)) == kKeys);
}

TEST_CASE("a larger share has all keys of a smaller one") {
  const Shadow small({.pool = "canary", .percent = 10}, 1);
  const Shadow large({.pool = "canary", .percent = 20}, 1);
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = "key:" + std::to_string(i);
    if (small.takes(key)) CHECK(large.takes(key));
  }
}

TEST_CASE("the choice is the same for ever") {
  const Shadow tenth({.pool = "canary", .percent = 10}, 1);
  std::string taken;
  for (int i = 0; i < 60; ++i) {
    if (tenth.takes("key:" + std::to_string(i))) taken += std::to_string(i) + " ";
  }
  CHECK(taken == "23 24 29 ");
}

TEST_CASE("every node has its share of the keys that are taken") {
  const std::vector<Backend> nodes{parse_backend("a").backend, parse_backend("b").backend,
                                   parse_backend("c").backend};
  const Ring ring(RingKind::kRingcache, KeyHash::kXxh3, nodes);
  const Shadow tenth({.pool = "canary", .percent = 10}, 1);
  std::array<int, 3> taken{};
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = "key:" + std::to_string(i);
    if (tenth.takes(key)) ++taken[ring.owner(ring.hash(key))];
  }
  for (const int of_node : taken) {
    CHECK(of_node > kKeys / 10 / 3 * 7 / 10);
    CHECK(of_node < kKeys / 10 / 3 * 13 / 10);
  }
}

}  // namespace ringcache::routing
