#include "routing/replicas.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "counted_allocations.h"
#include "test_backends.h"

namespace ringcache::routing {

namespace {

PoolOptions pool_of(std::size_t nodes, std::uint32_t replicas,
                    const std::vector<std::string>& zones = {}) {
  PoolOptions options;
  options.backends = make_backends(nodes);
  options.replicas = replicas;
  for (std::size_t i = 0; i < nodes && !zones.empty(); ++i) {
    options.backends[i].zone = zones[i % zones.size()];
  }
  return options;
}

Ring ring_of(const PoolOptions& options) {
  return Ring(RingKind::kRingcache, KeyHash::kXxh3, options.backends);
}

}  // namespace

TEST_CASE("one copy is the owner's, and asks for no more") {
  const PoolOptions options = pool_of(5, 1);
  CHECK_FALSE(Replicas(options, "").any());
  const Ring ring = ring_of(options);
  const ReplicaSet set = Replicas(options, "").of(ring, ring.hash("key"));
  REQUIRE(set.count == 1);
  CHECK(set.nodes[0] == ring.owner(ring.hash("key")));
}

TEST_CASE("copies are on distinct nodes, the owner first, in as many zones as there are") {
  const PoolOptions options = pool_of(12, 3, {"a", "b", "c"});
  const Ring ring = ring_of(options);
  const Replicas replicas(options, "");
  REQUIRE(replicas.any());
  int spanned = 0;
  constexpr int kKeys = 1000;
  for (int i = 0; i < kKeys; ++i) {
    const std::uint64_t hash = ring.hash("key:" + std::to_string(i));
    const ReplicaSet set = replicas.of(ring, hash);
    REQUIRE(set.count == 3);
    CHECK(set.nodes[0] == ring.owner(hash));
    std::set<NodeIndex> nodes(set.all().begin(), set.all().end());
    CHECK(nodes.size() == 3);
    std::set<std::string> zones;
    for (const NodeIndex node : set.all()) zones.insert(options.backends[node].zone);
    spanned += zones.size() == 3 ? 1 : 0;
  }
  CHECK(spanned > kKeys * 9 / 10);  // as far as the first eight nodes have all three
}

TEST_CASE("fewer nodes than copies") {
  const PoolOptions options = pool_of(2, 3);
  const Ring ring = ring_of(options);
  CHECK(Replicas(options, "").of(ring, ring.hash("key")).count == 2);
}

TEST_CASE("what is in the own zone is read first") {
  const PoolOptions options = pool_of(6, 2, {"a", "b"});
  const Ring ring = ring_of(options);
  const Replicas in_b(options, "b");
  const Replicas elsewhere(options, "x");
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t hash = ring.hash("key:" + std::to_string(i));
    ReplicaSet set = in_b.of(ring, hash);
    ReplicaSet same = set;
    in_b.put_near_first(set);
    CHECK(options.backends[set.nodes[0]].zone == "b");
    elsewhere.put_near_first(same);
    CHECK(same.nodes[0] == ring.owner(hash));
  }
}

TEST_CASE("asking allocates nothing") {
  const PoolOptions options = pool_of(100, 3, {"a", "b"});
  const Ring ring = ring_of(options);
  const Replicas replicas(options, "a");
  const std::uint64_t hash = ring.hash("key");
  const long before = allocation_count();
  ReplicaSet set = replicas.of(ring, hash);
  replicas.put_near_first(set);
  const long after = allocation_count();
  CHECK(after == before);
  CHECK(set.count == 3);
}

}  // namespace ringcache::routing
