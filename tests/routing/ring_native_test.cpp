// The promises of the native ring, for several sizes and sets of names.
#include "routing/ring_native.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "routing/ring.h"
#include "routing/ring_change.h"
#include "test_backends.h"

namespace ringcache::routing {
namespace {

Ring native(const std::vector<Backend>& backends) {
  return {RingKind::kRingcache, KeyHash::kXxh3, backends};
}

double busiest(const Ring& ring) {
  return *std::max_element(ring.shares().begin(), ring.shares().end()) *
         static_cast<double>(ring.node_count());
}

const NodeChange& change_of(const RingChange& change, std::string_view node) {
  return *std::find_if(change.nodes.begin(), change.nodes.end(),
                       [&](const NodeChange& c) { return c.name == node; });
}

// Every key that moved did so from `node` or to it: what it lost and gained is all there is.
void check_only_moves(const RingChange& change, std::string_view node) {
  const NodeChange& it = change_of(change, node);
  CHECK(change.moved == doctest::Approx(it.lost + it.gained).epsilon(1e-12));
}

}  // namespace

TEST_CASE("native: slots are permuted, and back") {
  for (const std::uint64_t seed : {0ULL, 1ULL, 0x123456789abcdefULL, ~0ULL}) {
    const SlotPermutation permutation(seed);
    std::vector<bool> seen(kSlotCount);
    bool all_back = true;
    bool all_new = true;
    for (std::uint32_t turn = 0; turn < kSlotCount; ++turn) {
      const std::uint32_t slot = permutation.slot_at(turn);
      all_back = all_back && permutation.turn_of(slot) == turn;
      all_new = all_new && !seen[slot];
      seen[slot] = true;
    }
    CHECK(all_back);
    CHECK(all_new);
  }
}

TEST_CASE("native: every slot has its earliest bidder") {
  // The table is built by walking turns; candidates() compares bids. They must agree everywhere,
  // with few and many bidders, equal and unequal weights.
  std::vector<Backend> weighted = make_backends(5, 3);
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    weighted[i].weight = static_cast<std::uint32_t>(1 + 37 * i);
  }
  for (const auto& backends : {make_backends(1), make_backends(7), make_backends(150), weighted}) {
    const NativeRing ring(backends);
    int wrong = 0;
    for (std::uint64_t slot = 0; slot < kSlotCount; slot += 61) {
      const std::uint64_t hash = slot << (64 - kSlotBits);
      std::array<NodeIndex, 1> first{};
      CHECK(ring.candidates(hash, first) == 1);
      wrong += first[0] != ring.owner(hash) ? 1 : 0;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("native: equal nodes have equal shares") {
  struct Case {
    std::size_t nodes;
    unsigned seeds;
    double busiest_max;
  };
  for (const Case& c :
       {Case{2, 3, 1.01}, Case{10, 6, 1.02}, Case{100, 3, 1.05}, Case{1000, 1, 1.15}}) {
    for (unsigned seed = 0; seed < c.seeds; ++seed) {
      CAPTURE(c.nodes);
      CAPTURE(seed);
      const Ring ring = native(make_backends(c.nodes, seed));
      CHECK(busiest(ring) <= c.busiest_max);
      CHECK(std::accumulate(ring.shares().begin(), ring.shares().end(), 0.0) ==
            doctest::Approx(1.0).epsilon(1e-12));
    }
  }
}

TEST_CASE("native: real keys are spread as the shares say") {
  const Ring ring = native(make_backends(10));
  constexpr int kKeys = 200'000;
  std::vector<int> counts(10);
  for (int i = 0; i < kKeys; ++i) ++counts[ring.owner(ring.hash("user:" + std::to_string(i)))];
  for (std::size_t node = 0; node < 10; ++node) {
    // Five standard deviations of a binomial count.
    const double expected = ring.shares()[node] * kKeys;
    CHECK(std::abs(counts[node] - expected) < 5 * std::sqrt(expected));
  }
}

TEST_CASE("native: a node that joins takes its share, and nothing else moves") {
  for (const std::size_t nodes : {1U, 2U, 9U, 10U, 99U, 300U}) {
    CAPTURE(nodes);
    std::vector<Backend> backends = make_backends(nodes, 7);
    const Ring before = native(backends);
    backends.insert(backends.begin(), make_backend("joins"));
    const Ring after = native(backends);
    const RingChange change = compare_rings(before, after);
    const double fair = 1.0 / static_cast<double>(nodes + 1);
    CHECK(change.exact);
    CHECK(change.moved <= (nodes < 50 ? 1.02 : 1.1) * fair);
    CHECK(change.moved >= 0.9 * fair);
    CHECK(change_of(change, "joins:11211").gained == change.moved);
  }
}

TEST_CASE("native: a node that leaves gives its keys to all others") {
  std::vector<Backend> backends = make_backends(10);
  const Ring before = native(backends);
  const std::string left = backends[4].name;
  backends.erase(backends.begin() + 4);
  const RingChange change = compare_rings(before, native(backends));
  CHECK(change_of(change, left).lost == change.moved);
  for (const NodeChange& node : change.nodes) {
    if (node.name != left) CHECK(node.gained == doctest::Approx(change.moved / 9).epsilon(0.05));
  }
}

TEST_CASE("native: weights are shares, and changing one moves only its node's keys") {
  std::vector<Backend> backends = make_backends(6);
  const std::array<std::uint32_t, 6> weights{1, 2, 3, 10, 50, 100};
  for (std::size_t i = 0; i < weights.size(); ++i) backends[i].weight = weights[i];
  const Ring ring = native(backends);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CHECK(ring.shares()[i] == doctest::Approx(weights[i] / 166.0).epsilon(0.05));
  }
  for (const std::uint32_t weight : {1U, 9U, 11U, 20U, 1'000U, kWeightMax}) {
    CAPTURE(weight);
    std::vector<Backend> changed = backends;
    changed[3].weight = weight;
    const RingChange change = compare_rings(ring, native(changed));
    check_only_moves(change, backends[3].name);
    const NodeChange& it = change_of(change, backends[3].name);
    CHECK((weight > 10 ? it.lost : it.gained) == 0);
    CHECK(it.share_after == doctest::Approx(weight / (156.0 + weight)).epsilon(0.05));
  }
}

TEST_CASE("native: weights that are all multiplied place as before") {
  std::vector<Backend> backends = make_backends(10);
  const Ring ones = native(backends);
  for (Backend& backend : backends) backend.weight = 100;
  CHECK(native(backends).fingerprint() == ones.fingerprint());
}

TEST_CASE("native: extreme weights") {
  std::vector<Backend> backends = make_backends(3);
  backends[0].weight = kWeightMax;
  const Ring ring = native(backends);
  CHECK(ring.shares()[0] > 0.9999);
  CHECK(ring.shares()[0] + ring.shares()[1] + ring.shares()[2] == doctest::Approx(1.0));
  backends[0].weight = backends[1].weight = backends[2].weight = kWeightMax;
  CHECK(busiest(native(backends)) < 1.02);
}

TEST_CASE("native: only names count, not order or addresses") {
  std::vector<Backend> backends = make_backends(20);
  for (std::size_t i = 0; i < backends.size(); ++i) {
    backends[i].weight = 1 + static_cast<std::uint32_t>(i) % 3;
    set_name(backends[i], "node-" + std::to_string(i));
  }
  const Ring ring = native(backends);
  std::vector<Backend> other = backends;
  std::reverse(other.begin(), other.end());
  for (Backend& backend : other) backend.host = "elsewhere";
  const Ring reversed = native(other);
  CHECK(reversed.fingerprint() == ring.fingerprint());
  CHECK(remapped_ratio(ring, reversed) == 0);
  set_name(other[0], "renamed");
  CHECK(native(other).fingerprint() != ring.fingerprint());
}

TEST_CASE("native: a draining node owns nothing, and the others as without it") {
  std::vector<Backend> backends = make_backends(5);
  backends[2].drain = true;
  const Ring drained = native(backends);
  CHECK(drained.shares()[2] == 0);
  backends.erase(backends.begin() + 2);
  CHECK(native(backends).fingerprint() == drained.fingerprint());
}

TEST_CASE("native: the stand-in is who owns the key in a ring without the owner") {
  const std::vector<Backend> backends = make_backends(8);
  const Ring ring = native(backends);
  for (NodeIndex lost = 0; lost < 3; ++lost) {
    std::vector<Backend> rest = backends;
    rest.erase(rest.begin() + lost);
    const Ring without = native(rest);
    for (std::uint64_t i = 0; i < 2000; ++i) {
      const std::uint64_t hash = hash_key_64("key:" + std::to_string(i));
      if (ring.owner(hash) != lost) continue;
      std::array<NodeIndex, 2> out{};
      CHECK(ring.candidates(hash, out) == 2);
      CHECK(ring.node_name(out[1]) == without.node_name(without.owner(hash)));
    }
  }
}

TEST_CASE("native: the placement is pinned") {
  // These values are the contract with every deployed proxy: a change moves keys.
  std::vector<Backend> backends{make_backend("10.0.0.11"), make_backend("10.0.0.12", 2),
                                make_backend("10.0.0.13", 3)};
  const Ring ring = native(backends);
  CHECK(ring.fingerprint() == "63b8dcb6f585212e");
  std::string owners;
  for (int i = 0; i < 40; ++i) {
    owners += static_cast<char>('0' + ring.owner(ring.hash("key:" + std::to_string(i))));
  }
  CHECK(owners == "2122222210122220211121121011222120020201");
}

}  // namespace ringcache::routing
