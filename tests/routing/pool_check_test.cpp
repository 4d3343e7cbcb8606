#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "routing/pool.h"
#include "routing/pool_options.h"
#include "test_backends.h"

namespace ringcache::routing {
namespace {

using namespace std::chrono_literals;

PoolOptions good_pool() {
  PoolOptions options;
  options.backends = make_backends(3);
  return options;
}

// "E /pointer" or "W /pointer" of every problem, in order.
std::vector<std::string> found(const PoolOptions& options) {
  std::vector<std::string> list;
  for (const PoolProblem& problem : check_pool(options)) {
    CHECK_FALSE(problem.text.empty());
    const bool is_error = problem.severity == ProblemSeverity::kError;
    list.push_back((is_error ? "E " : "W ") + problem.pointer);
  }
  return list;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("the defaults are a good pool") {
  const PoolOptions options = good_pool();
  CHECK(found(options) == List{});
  CHECK(options.key_hash() == KeyHash::kXxh3);
  CHECK(options.timeouts.connect == 250ms);
  CHECK(options.timeouts.request == 500ms);
  CHECK(options.health.interval == 2s);
  CHECK(options.failover.max_ttl == 60s);
  CHECK(options.handoff.window == 10min);
}

TEST_CASE("each fault of a pool has its place") {
  PoolOptions options = good_pool();
  SUBCASE("no nodes") {
    options.backends.clear();
    CHECK(found(options) == List{"E /nodes"});
  }
  SUBCASE("everybody draining") {
    for (Backend& backend : options.backends) backend.drain = true;
    CHECK(found(options) == List{"E /nodes"});
  }
  SUBCASE("duplicate name, given or by address") {
    options.backends.push_back(options.backends[1]);
    set_name(options.backends[0], options.backends[2].name);
    CHECK(found(options) == List{"E /nodes/2", "E /nodes/3"});
  }
  SUBCASE("weights out of range") {
    options.backends[0].weight = 0;
    options.backends[1].weight = kWeightMax + 1;
    CHECK(found(options) == List{"E /nodes/0/weight", "E /nodes/1/weight"});
  }
  SUBCASE("names that cannot be shown") {
    set_name(options.backends[0], "");
    set_name(options.backends[1], "a b");
    set_name(options.backends[2], std::string(256, 'n'));
    CHECK(found(options) == List{"E /nodes/0/name", "E /nodes/1/name", "E /nodes/2/name"});
  }
  SUBCASE("prefixes") {
    options.prefixes = {"ok:", "", "ok:", "a b", std::string(251, 'p')};
    CHECK(found(options) ==
          List{"E /prefixes/1", "E /prefixes/2", "E /prefixes/3", "E /prefixes/4"});
  }
  SUBCASE("the native ring takes one hash") {
    options.hash = KeyHash::kMd5;
    CHECK(found(options) == List{"E /hash"});
  }
  SUBCASE("hash tag") {
    options.hash_tag = "{";
    CHECK(found(options) == List{"E /hash_tag"});
    options.hash_tag = "{}";
    CHECK(found(options) == List{});
  }
  SUBCASE("durations and counts") {
    options.timeouts = {.connect = 0ms, .request = -1ms};
    options.health = {.interval = 0ms, .timeout = 0ms, .fall = 0, .rise = kHealthCountMax + 1};
    options.failover.max_ttl = 0s;
    options.failover.max_ejected_percent = 101;
    options.handoff = {.window = -1s, .keys_per_second = 0};
    options.connections_per_node = 0;
    CHECK(found(options) == List{"E /timeouts/connect", "E /timeouts/request", "E /health/interval",
                                 "E /health/timeout", "E /failover/max_ttl", "E /handoff/window",
                                 "E /connections_per_node", "E /health/fall", "E /health/rise",
                                 "E /failover/max_ejected_percent", "E /handoff/keys_per_second"});
  }
  SUBCASE("more slots than modula has") {
    options.ring = RingKind::kModula;
    options.backends[0].weight = kWeightMax;
    CHECK(found(options) == List{"E /nodes"});
  }
}

TEST_CASE("pairs that skew need to be asked for") {
  struct Case {
    RingKind ring;
    KeyHash hash;
    bool skews;
  };
  for (const Case& c : {Case{RingKind::kKetama, KeyHash::kFnv1_64, true},
                        Case{RingKind::kKetamaUnweighted, KeyHash::kFnv1_64, true},
                        Case{RingKind::kMemcachedProxy, KeyHash::kFnv1_64, true},
                        Case{RingKind::kModula, KeyHash::kCrc32, false},
                        Case{RingKind::kModula, KeyHash::kFnv1_64, false},
                        Case{RingKind::kKetama, KeyHash::kCrc16, false},
                        Case{RingKind::kKetama, KeyHash::kMd5, false}}) {
    CAPTURE(name(c.ring));
    CAPTURE(name(c.hash));
    PoolOptions options = good_pool();
    options.ring = c.ring;
    options.hash = c.hash;
    CHECK(found(options) == (c.skews ? List{"E /hash"} : List{}));
    options.allow_skew = true;
    CHECK(found(options) == (c.skews ? List{"W /hash"} : List{}));
  }
}

TEST_CASE("crc32 on ketama: the nodes that get nothing are named") {
  PoolOptions options = good_pool();
  options.ring = RingKind::kKetama;
  options.hash = KeyHash::kCrc32;
  CHECK(found(options) == List{"E /hash"});
  options.allow_skew = true;
  const List list = found(options);
  REQUIRE(list.size() == 3);  // the pair, and two of three nodes
  CHECK(list[0] == "W /hash");
  CHECK(list[1].starts_with("W /nodes/"));
}

TEST_CASE("nodes whose weight leaves them nothing") {
  PoolOptions options = good_pool();
  options.ring = RingKind::kKetama;
  options.backends[0].weight = 100'000;
  CHECK(found(options) == List{"W /nodes/1", "W /nodes/2"});
  options.ring = RingKind::kRingcache;
  CHECK(found(options) == List{});
  options.backends[1].drain = true;  // owns nothing because it should not
  options.ring = RingKind::kKetama;
  CHECK(found(options) == List{"W /nodes/2"});
}

TEST_CASE("rings that know no weights say so") {
  PoolOptions options = good_pool();
  options.backends[1].weight = 2;
  for (const RingKind kind : {RingKind::kKetamaUnweighted, RingKind::kMemcachedProxy}) {
    options.ring = kind;
    CHECK(found(options) == List{"W /nodes/1/weight"});
  }
}

TEST_CASE("modula with twemproxy's features in another order than twemproxy's") {
  PoolOptions options = good_pool();
  options.ring = RingKind::kModula;
  set_name(options.backends[0], "zz");
  set_name(options.backends[1], "b");
  set_name(options.backends[2], "a");
  CHECK(found(options) == List{"W /ring"});
  options.ring = RingKind::kModulaTwemproxy;
  CHECK(found(options) == List{});
  std::reverse(options.backends.begin(), options.backends.end());
  options.ring = RingKind::kModula;
  CHECK(found(options) == List{});
}

TEST_CASE("pools among each other") {
  std::vector<PoolOptions> pools(3, good_pool());
  pools[0].name = "main";
  pools[1].name = "sessions";
  pools[1].prefixes = {"s:", "t:"};
  pools[2].name = "gutter";
  pools[2].prefixes = {"g:"};
  const auto found_in = [&] {
    List list;
    for (const PoolsProblem& p : check_pools(pools)) {
      list.push_back(std::to_string(p.pool_index) + " " + p.problem.pointer);
    }
    return list;
  };
  CHECK(found_in() == List{});
  CHECK(pools_for_the_rest(pools) == std::vector<std::size_t>{0});
  SUBCASE("two of one name") {
    pools[2].name = "main";
    CHECK(found_in() == List{"2 "});
  }
  SUBCASE("one prefix in two pools") {
    pools[2].prefixes = {"x:", "t:"};
    CHECK(found_in() == List{"2 /prefixes/1"});
  }
  SUBCASE("two that take the rest") {
    pools[2].prefixes.clear();
    CHECK(found_in() == List{"2 /prefixes"});
    pools[0].failover = {.to = FailoverTo::kPool, .pool = "gutter"};
    CHECK(found_in() == List{});
    CHECK(pools_for_the_rest(pools) == std::vector<std::size_t>{0});
  }
  SUBCASE("a pool that takes the rest may also stand in") {
    pools[1].failover = {.to = FailoverTo::kPool, .pool = "main"};
    CHECK(found_in() == List{});
    CHECK(pools_for_the_rest(pools) == std::vector<std::size_t>{0});
  }
  SUBCASE("a pool that only sees copies takes no keys") {
    pools[2].prefixes.clear();
    pools[0].shadow.pool = "gutter";
    CHECK(found_in() == List{});
    CHECK(pools_for_the_rest(pools) == std::vector<std::size_t>{0});
  }
  SUBCASE("copies to nobody and to itself") {
    pools[0].shadow.pool = "nobody";
    CHECK(found_in() == List{"0 /shadow/to"});
    pools[0].shadow.pool = "main";
    CHECK(found_in() == List{"0 /shadow/to"});
  }
  SUBCASE("failover to nobody and to itself") {
    pools[0].failover = {.to = FailoverTo::kPool, .pool = "nowhere"};
    pools[1].failover = {.to = FailoverTo::kPool, .pool = "sessions"};
    CHECK(found_in() == List{"0 /failover/to", "1 /failover/to"});
  }
}

TEST_CASE("a prefix has one rate") {
  PoolOptions options = good_pool();
  options.rate_limit.prefixes = {{{{1, 0}, {}}, "a:"}, {{{2, 0}, {}}, "b:"}};
  CHECK(check_pool(options).empty());
  options.rate_limit.prefixes.push_back({{{3, 0}, {}}, "a:"});
  const std::vector<PoolProblem> problems = check_pool(options);
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().pointer == "/rate_limit/prefixes/2/prefix");
}

TEST_CASE("a pool's ring hash tells hash tags apart") {
  PoolOptions options = good_pool();
  const Pool plain(options);
  options.hash_tag = "{}";
  const Pool tagged(options);
  CHECK(plain.ring_hash() == plain.ring().fingerprint());
  CHECK(tagged.ring_hash() == plain.ring_hash() + "-7b7d");
  CHECK(tagged.hash("a{x}") == tagged.hash("b{x}"));
  CHECK(plain.hash("a{x}") != plain.hash("b{x}"));
}

}  // namespace ringcache::routing
