#include "proxy/routing_table.h"

#include <doctest/doctest.h>

namespace ringcache::proxy {

using namespace std::chrono_literals;

namespace {
routing::PoolOptions pool(const char* name, std::initializer_list<const char*> nodes) {
  routing::PoolOptions options;
  options.name = name;
  for (const char* node : nodes) options.backends.push_back(routing::parse_backend(node).backend);
  return options;
}
}  // namespace

TEST_CASE("nodes of all pools are numbered through") {
  ProxyOptions options;
  options.pools = {pool("a", {"h1:1", "h2:1"}), pool("b", {"h3:1"})};
  options.pools[1].prefixes = {"b:"};
  const RoutingTable table(options, nullptr, 0ms, 1);
  CHECK(table.node_count() == 3);
  CHECK(table.flat_index({0, 1}) == 1);
  CHECK(table.flat_index({1, 0}) == 2);
}

TEST_CASE("a reload takes over the health of nodes that stay, and places as before") {
  ProxyOptions options;
  options.pools = {pool("a", {"h1:1", "h2:1"})};
  const RoutingTable before(options, nullptr, 0ms, 1);
  before.health(0).report(1, routing::NodeResult::kRefused, 1ms);
  options.pools[0].timeouts.request = 77ms;
  const RoutingTable same_ring(options, &before, 2ms, 2);
  CHECK(same_ring.pool(0).options().timeouts.request == 77ms);
  CHECK(same_ring.pool(0).ring_hash() == before.pool(0).ring_hash());
  CHECK(same_ring.health(0).state(1) == routing::NodeState::kSuspect);
  options.pools[0] = pool("a", {"h0:1", "h2:1"});
  const RoutingTable other_ring(options, &before, 3ms, 3);
  CHECK(other_ring.pool(0).ring_hash() != before.pool(0).ring_hash());
  CHECK(other_ring.health(0).state(0) == routing::NodeState::kUp);
  CHECK(other_ring.health(0).state(1) == routing::NodeState::kSuspect);
}

TEST_CASE("a reload leaves what is in the buckets, unless their limits change") {
  using protocol::Command;
  ProxyOptions options;
  options.pools = {pool("a", {"h1:1"}), pool("b", {"h2:1"})};
  options.pools[1].prefixes = {"b:"};
  options.pools[0].rate_limit.gets = {.per_second = 1, .burst = 1};
  const RoutingTable before(options, nullptr, 0ms, 1);
  CHECK(before.rate_limits(1) == nullptr);
  REQUIRE(before.rate_limits(0)->admit(Command::kGet, "k", 0));
  options.pools[0].timeouts.request = 77ms;
  const RoutingTable same(options, &before, 1ms, 2);
  CHECK_FALSE(same.rate_limits(0)->admit(Command::kGet, "k", 0));
  options.pools[0].rate_limit.gets.burst = 2;
  const RoutingTable other(options, &same, 2ms, 3);
  CHECK(other.rate_limits(0)->admit(Command::kGet, "k", 0));
  options.pools[0].rate_limit = {};
  CHECK(RoutingTable(options, &other, 3ms, 4).rate_limits(0) == nullptr);
}

}  // namespace ringcache::proxy
