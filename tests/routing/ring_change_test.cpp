#include "routing/ring_change.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "test_backends.h"

namespace ringcache::routing {
namespace {

Ring make(RingKind kind, const std::vector<Backend>& backends) {
  return {kind, kind == RingKind::kRingcache ? KeyHash::kXxh3 : KeyHash::kMurmur, backends};
}

// What share of some keys changes its owner, counted one by one.
double count_moved(const Ring& before, const Ring& after) {
  constexpr int kKeys = 40'000;
  int moved = 0;
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = "k" + std::to_string(i);
    const NodeIndex from = before.owner(before.hash(key));
    const NodeIndex to = after.owner(after.hash(key));
    moved += before.node_name(from) != after.node_name(to) ? 1 : 0;
  }
  return static_cast<double>(moved) / kKeys;
}

}  // namespace

TEST_CASE("the moved share is what counting keys comes to") {
  struct Pair {
    RingKind before;
    RingKind after;
    bool exact;
  };
  const std::vector<Backend> six = make_backends(6);
  const std::vector<Backend> five(six.begin() + 1, six.end());
  for (const Pair& pair : {Pair{RingKind::kRingcache, RingKind::kRingcache, true},
                           Pair{RingKind::kKetama, RingKind::kKetama, true},
                           Pair{RingKind::kKetama, RingKind::kKetamaUnweighted, true},
                           Pair{RingKind::kMemcachedProxy, RingKind::kKetama, true},
                           Pair{RingKind::kModula, RingKind::kModula, true},
                           Pair{RingKind::kModula, RingKind::kModulaTwemproxy, true},
                           Pair{RingKind::kKetama, RingKind::kRingcache, false},
                           Pair{RingKind::kKetama, RingKind::kModula, false},
                           Pair{RingKind::kModula, RingKind::kRingcache, false}}) {
    CAPTURE(name(pair.before));
    CAPTURE(name(pair.after));
    const Ring before = make(pair.before, five);
    const Ring after = make(pair.after, six);
    const RingChange change = compare_rings(before, after);
    CHECK(change.moved == doctest::Approx(count_moved(before, after)).epsilon(0.05));
    CHECK(remapped_ratio(before, after) == change.moved);
    CHECK(change.exact == pair.exact);
  }
}

TEST_CASE("what nodes lose others gain, and the shares before and after fit") {
  const Ring before = make(RingKind::kKetama, make_backends(4));
  std::vector<Backend> backends = make_backends(5);
  backends.erase(backends.begin());
  const Ring after = make(RingKind::kKetama, backends);
  const RingChange change = compare_rings(before, after);
  REQUIRE(change.nodes.size() == 5);
  double lost = 0;
  double gained = 0;
  for (const NodeChange& node : change.nodes) {
    lost += node.lost;
    gained += node.gained;
    CHECK(node.share_after == doctest::Approx(node.share_before - node.lost + node.gained));
  }
  CHECK(lost == doctest::Approx(change.moved));
  CHECK(gained == doctest::Approx(change.moved));
  CHECK(change.nodes[0].share_before == doctest::Approx(before.shares()[0]));
  CHECK(change.nodes[0].share_after == 0);
}

TEST_CASE("known ratios") {
  const auto modula = [](std::size_t count) {
    return make(RingKind::kModula, make_backends(count));
  };
  // h mod 2 == h mod 3 for the residues 0 and 1 of 6.
  CHECK(remapped_ratio(modula(2), modula(3)) == doctest::Approx(4.0 / 6.0));
  // The period of 999 and 1000 slots: the first 999 of 999000 residues agree.
  CHECK(remapped_ratio(modula(999), modula(1000)) == doctest::Approx(0.999));
  for (std::size_t kind = 0; kind < kRingKindCount; ++kind) {
    const Ring ring = make(static_cast<RingKind>(kind), make_backends(3));
    const Ring empty = make(static_cast<RingKind>(kind), {});
    CHECK(remapped_ratio(ring, ring) == 0);
    CHECK(remapped_ratio(ring, empty) == 1);
    CHECK(remapped_ratio(empty, ring) == 1);
    CHECK(remapped_ratio(empty, empty) == 0);
  }
}

TEST_CASE("a renamed node is another node, a moved address is not") {
  std::vector<Backend> backends = make_backends(4);
  for (std::size_t i = 0; i < 4; ++i) set_name(backends[i], "n" + std::to_string(i));
  const Ring before = make(RingKind::kRingcache, backends);
  backends[1].host = "10.9.9.9";
  CHECK(remapped_ratio(before, make(RingKind::kRingcache, backends)) == 0);
  set_name(backends[1], "other");
  // Its quarter goes, most of it to others, and the new name takes a quarter from everybody.
  CHECK(remapped_ratio(before, make(RingKind::kRingcache, backends)) > 0.25);
}

TEST_CASE("a hash of 15 bits is compared on its 15 bits") {
  const Ring before(RingKind::kModula, KeyHash::kCrc32, make_backends(3));
  const Ring after(RingKind::kModula, KeyHash::kCrc32, make_backends(4));
  const RingChange change = compare_rings(before, after);
  CHECK(change.exact);
  CHECK(change.moved == doctest::Approx(0.75).epsilon(0.001));
}

}  // namespace ringcache::routing
