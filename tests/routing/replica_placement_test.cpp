#include "routing/replica_placement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "counted_allocations.h"
#include "routing/ring.h"
#include "test_backends.h"

namespace ringcache::routing {
namespace {

using Nodes = std::vector<NodeIndex>;
using Zones = std::vector<ZoneIndex>;

Nodes replicas_of(const Nodes& order, const Zones& zones, std::size_t count) {
  Nodes out(count);
  out.resize(place_replicas(order, zones, out));
  return out;
}

Nodes order_of(const Ring& ring, int key) {
  Nodes order(ring.node_count());
  order.resize(ring.candidates(ring.hash("user:" + std::to_string(key)), order));
  return order;
}

}  // namespace

TEST_CASE("without zones the replicas are the first nodes of the key's order") {
  CHECK(replicas_of({4, 2, 0, 1}, {}, 2) == Nodes{4, 2});
  CHECK(replicas_of({4, 2}, {}, 8) == Nodes{4, 2});
  CHECK(replicas_of({}, {}, 2).empty());
  CHECK(replicas_of({4, 2}, {}, 0).empty());
}

TEST_CASE("each replica is in a zone that holds the fewest, and the owner stays") {
  const Zones zones{0, 0, 0, 1, 2, kNoZone};
  CHECK(replicas_of({0, 1, 2, 3, 4}, zones, 3) == Nodes{0, 3, 4});
  CHECK(replicas_of({0, 1, 2, 3, 4}, zones, 5) == Nodes{0, 3, 4, 1, 2});
  CHECK(replicas_of({0, 1, 2}, zones, 2) == Nodes{0, 1});
  CHECK(replicas_of({0, 1, 5, 3}, zones, 2) == Nodes{0, 5});
}

TEST_CASE("on every ring replicas are distinct, span the zones and share out the load") {
  constexpr int kKeys = 3000;
  const Zones zones{0, 1, 2, 0, 1, 2, 0, 1, 2};
  const std::vector<Backend> backends = make_backends(zones.size());
  for (std::size_t kind = 0; kind < kRingKindCount; ++kind) {
    const auto ring_kind = static_cast<RingKind>(kind);
    CAPTURE(name(ring_kind));
    const Ring ring(ring_kind, default_hash(ring_kind), backends);
    std::array<int, 9> load{};
    int wrong = 0;
    for (int key = 0; key < kKeys; ++key) {
      const Nodes order = order_of(ring, key);
      const Nodes replicas = replicas_of(order, zones, 3);
      std::set<ZoneIndex> spanned;
      for (const NodeIndex node : replicas) {
        spanned.insert(zones[node]);
        ++load[node];
      }
      wrong += replicas.size() == 3 && spanned.size() == 3 && replicas[0] == order[0] ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(*std::min_element(load.begin(), load.end()) > kKeys / 9);
    CHECK(*std::max_element(load.begin(), load.end()) < kKeys * 2 / 3);
  }
}

TEST_CASE("a node that leaves changes only the keys whose replica it was") {
  const Zones zones{0, 1, 2, 0, 1, 2, 0, 1};
  std::vector<Backend> backends = make_backends(zones.size());
  const Ring before(RingKind::kRingcache, KeyHash::kXxh3, backends);
  backends[5].drain = true;
  const Ring after(RingKind::kRingcache, KeyHash::kXxh3, backends);
  int kept = 0;
  int wrong = 0;
  for (int key = 0; key < 2000; ++key) {
    const Nodes old = replicas_of(order_of(before, key), zones, 2);
    if (std::find(old.begin(), old.end(), NodeIndex{5}) != old.end()) continue;
    ++kept;
    wrong += replicas_of(order_of(after, key), zones, 2) == old ? 0 : 1;
  }
  CHECK(kept > 1000);
  CHECK(wrong == 0);
}

TEST_CASE("reads prefer the own zone and keep the order within it") {
  const Zones zones{0, 1, 0, 1};
  Nodes nodes{0, 1, 2, 3};
  prefer_zone(nodes, zones, 1);
  CHECK(nodes == Nodes{1, 3, 0, 2});
  prefer_zone(nodes, zones, kNoZone);
  prefer_zone(nodes, zones, 7);
  prefer_zone(nodes, {}, 0);
  CHECK(nodes == Nodes{1, 3, 0, 2});
}

TEST_CASE("placing replicas allocates nothing") {
  const Zones zones{0, 0, 1, 1, 2};
  const Nodes order{0, 1, 2, 3, 4};
  std::array<NodeIndex, 3> out{};
  const long before = allocation_count();
  place_replicas(order, zones, out);
  prefer_zone(out, zones, 2);
  const long after = allocation_count();
  CHECK(after == before);
  CHECK(out == std::array<NodeIndex, 3>{4, 0, 2});
}

}  // namespace ringcache::routing
