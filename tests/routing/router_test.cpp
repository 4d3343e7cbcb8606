#include "routing/router.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "test_backends.h"

namespace ringcache::routing {
namespace {

using protocol::Command;

std::shared_ptr<const Pool> make_pool(std::string name, std::vector<std::string> prefixes,
                                      FailoverOptions failover = {}, std::size_t nodes = 4) {
  PoolOptions options;
  options.name = std::move(name);
  options.prefixes = std::move(prefixes);
  options.failover = std::move(failover);
  options.ring = RingKind::kKetama;  // quick to build
  options.backends = make_backends(nodes);
  return std::make_shared<const Pool>(options);
}

}  // namespace

TEST_CASE("the longest prefix chooses the pool") {
  const Router router({make_pool("rest", {}), make_pool("a", {"a:", "ab", "x"}),
                       make_pool("b", {"a:b", "a:bcd", "abc:"})});
  struct Case {
    const char* key;
    PoolIndex pool;
  };
  for (const Case& c :
       {Case{"", 0}, Case{"a", 0}, Case{"a:", 1}, Case{"a:a", 1}, Case{"a:b", 2}, Case{"a:bc", 2},
        Case{"a:bcd", 2}, Case{"a:c", 1}, Case{"ab", 1}, Case{"abc", 1}, Case{"abc:", 2},
        Case{"abd", 1}, Case{"b", 0}, Case{"xyz", 1}, Case{"\xff", 0}, Case{"A:", 0}}) {
    CAPTURE(c.key);
    CHECK(router.plan(Command::kGet, c.key).pool == c.pool);
  }
}

TEST_CASE("prefix search agrees with a plain search") {
  std::mt19937 random(42);
  const auto text = [&](std::size_t max) {
    std::string s(random() % (max + 1), 'a');
    for (char& c : s) c = static_cast<char>('a' + random() % 3);
    return s;
  };
  std::set<std::string> distinct;
  while (distinct.size() < 60) {
    const std::string prefix = text(6);
    if (!prefix.empty()) distinct.insert(prefix);
  }
  std::vector<std::vector<std::string>> by_pool(5);
  std::size_t next = 0;
  for (const std::string& prefix : distinct) by_pool[next++ % 5].push_back(prefix);
  std::vector<std::shared_ptr<const Pool>> pools;
  pools.reserve(by_pool.size());
  for (const auto& prefixes : by_pool) pools.push_back(make_pool("p", prefixes, {}, 1));
  const Router router(pools);
  for (int i = 0; i < 3000; ++i) {
    const std::string key = text(9);
    PoolIndex expected = kNoPool;
    std::size_t longest = 0;
    for (std::size_t p = 0; p < 5; ++p) {
      for (const std::string& prefix : by_pool[p]) {
        if (!key.starts_with(prefix) || prefix.size() < longest) continue;
        longest = prefix.size();
        expected = static_cast<PoolIndex>(p);
      }
    }
    CAPTURE(key);
    CHECK(router.plan(Command::kGet, key).pool == expected);
  }
}

TEST_CASE("keys that no pool takes") {
  const Router router({make_pool("a", {"a:"})});
  CHECK(router.plan(Command::kGet, "a:1").mode == RouteMode::kOne);
  RoutePlan plan = router.plan(Command::kSet, "b:1");
  CHECK(plan.mode == RouteMode::kNoPool);
  CHECK(plan.in_order().empty());
  router.add_stand_ins(plan, "b:1");
  CHECK(plan.in_order().empty());
  CHECK(router.explain("b:1").mode == RouteMode::kNoPool);
  CHECK(Router({}).plan(Command::kGet, "k").mode == RouteMode::kNoPool);
}

TEST_CASE("a pool without a node to place on") {
  PoolOptions options;
  options.backends = make_backends(1);
  options.backends[0].drain = true;
  const Router router({std::make_shared<const Pool>(options)});
  const RoutePlan plan = router.plan(Command::kGet, "k");
  CHECK(plan.mode == RouteMode::kNoNode);
  CHECK(plan.pool == 0);
  CHECK(router.explain("k").mode == RouteMode::kNoNode);
  CHECK(router.explain("k").order.empty());
}

TEST_CASE("every command has its mode") {
  const Router router({make_pool("rest", {})});
  for (const protocol::CommandSpec& spec : protocol::kCommandTable) {
    CAPTURE(spec.name);
    RouteMode expected = RouteMode::kOne;
    if (spec.command_class == protocol::CommandClass::kFanOut) expected = RouteMode::kAll;
    if (spec.command_class == protocol::CommandClass::kLocal) expected = RouteMode::kLocal;
    CHECK(router.plan(spec.command, "k").mode == expected);
  }
  CHECK(router.plan(Command::kMetaDebug, "k").mode == RouteMode::kOne);
}

TEST_CASE("the plan names the ring's owner, and every command the same") {
  const auto pool = make_pool("rest", {});
  const Router router({pool});
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(i);
    const RoutePlan plan = router.plan(Command::kGet, key);
    REQUIRE(plan.target_count == 1);
    CHECK(plan.owner() == Target{0, pool->ring().owner(pool->hash(key))});
    CHECK(router.plan(Command::kMetaSet, key).owner() == plan.owner());
  }
}

TEST_CASE("stand-ins: next, none, another pool") {
  const Router router({
      make_pool("next", {"n:"}, {.to = FailoverTo::kNext, .pool = ""}, 6),
      make_pool("none", {"x:"}, {.to = FailoverTo::kNone, .pool = ""}, 6),
      make_pool("away", {"w:"}, {.to = FailoverTo::kPool, .pool = "gutter"}, 6),
      make_pool("gutter", {"g:"}, {}, 2),
      make_pool("two", {"t:"}, {}, 2),
  });
  for (int i = 0; i < 50; ++i) {
    const std::string tail = std::to_string(i);
    RoutePlan next = router.plan(Command::kGet, "n:" + tail);
    const Target owner = next.owner();
    router.add_stand_ins(next, "n:" + tail);
    REQUIRE(next.target_count == kPlanTargetsMax);
    CHECK(next.owner() == owner);
    std::set<NodeIndex> nodes;
    for (const Target& target : next.in_order()) {
      CHECK(target.pool == 0);
      nodes.insert(target.node);
    }
    CHECK(nodes.size() == kPlanTargetsMax);
    router.add_stand_ins(next, "n:" + tail);  // once is enough
    CHECK(next.target_count == kPlanTargetsMax);

    RoutePlan none = router.plan(Command::kGet, "x:" + tail);
    router.add_stand_ins(none, "x:" + tail);
    CHECK(none.target_count == 1);

    RoutePlan away = router.plan(Command::kGet, "w:" + tail);
    router.add_stand_ins(away, "w:" + tail);
    REQUIRE(away.target_count == 3);
    CHECK(away.targets[0].pool == 2);
    CHECK(away.targets[1].pool == 3);
    const Pool& gutter = router.pool(3);
    CHECK(away.targets[1].node == gutter.ring().owner(gutter.hash("w:" + tail)));
    CHECK(away.targets[2].pool == 3);
    CHECK(away.targets[2].node != away.targets[1].node);

    RoutePlan two = router.plan(Command::kGet, "t:" + tail);
    router.add_stand_ins(two, "t:" + tail);
    CHECK(two.target_count == 2);
  }
}

TEST_CASE("a stand-in pool without prefixes takes no keys of its own") {
  const Router router({make_pool("gutter", {}),
                       make_pool("main", {}, {.to = FailoverTo::kPool, .pool = "gutter"})});
  CHECK(router.plan(Command::kGet, "k").pool == 1);
}

TEST_CASE("an explanation has the whole order, and begins as the plan does") {
  PoolOptions options;
  options.name = "tagged";
  options.prefixes = {"s:", "s:{4"};
  options.hash_tag = "{}";
  options.ring = RingKind::kKetama;
  options.backends = make_backends(9);
  const Router router({std::make_shared<const Pool>(options), make_pool("rest", {})});
  const RouteExplanation explanation = router.explain("s:{42}:x");
  CHECK(explanation.mode == RouteMode::kOne);
  CHECK(explanation.pool == 0);
  CHECK(explanation.prefix == "s:{4");
  CHECK(explanation.hashed == "42");
  CHECK(explanation.hash == hash_key(KeyHash::kMd5, "42"));
  REQUIRE(explanation.order.size() == 9);
  RoutePlan plan = router.plan(Command::kGet, "s:{42}:x");
  router.add_stand_ins(plan, "s:{42}:x");
  for (std::size_t i = 0; i < plan.target_count; ++i) {
    CHECK(plan.targets[i] == explanation.order[i]);
  }
  CHECK(router.explain("other").prefix.empty());
  CHECK(router.find_pool("rest") == 1);
  CHECK(router.find_pool("nowhere") == kNoPool);
}

}  // namespace ringcache::routing
