// What holds for every kind of ring.
#include "routing/ring.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "test_backends.h"

namespace ringcache::routing {
namespace {

std::vector<RingKind> all_kinds() {
  std::vector<RingKind> kinds;
  for (std::size_t i = 0; i < kRingKindCount; ++i) kinds.push_back(static_cast<RingKind>(i));
  return kinds;
}

std::vector<KeyHash> hashes_of(RingKind kind) {
  if (kind == RingKind::kRingcache) return {KeyHash::kXxh3};
  std::vector<KeyHash> hashes;
  for (std::size_t i = 0; i < kKeyHashCount; ++i) hashes.push_back(static_cast<KeyHash>(i));
  return hashes;
}

std::string key_of(int i) {
  return "user:" + std::to_string(i * 7919);
}

}  // namespace

TEST_CASE("ring names are read back, and others are not") {
  for (const RingKind kind : all_kinds()) CHECK(find_ring_kind(name(kind)) == kind);
  CHECK_FALSE(find_ring_kind("").has_value());
  CHECK_FALSE(find_ring_kind("Ketama").has_value());
}

TEST_CASE("every ring with every hash finds a node for every key") {
  const std::vector<Backend> backends = make_backends(5);
  for (const RingKind kind : all_kinds()) {
    for (const KeyHash hash : hashes_of(kind)) {
      CAPTURE(name(kind));
      CAPTURE(name(hash));
      const Ring ring(kind, hash, backends);
      const double sum = std::accumulate(ring.shares().begin(), ring.shares().end(), 0.0);
      CHECK(sum == doctest::Approx(1.0).epsilon(1e-9));
      int missing = 0;
      for (int i = 0; i < 500; ++i) {
        missing += ring.owner(ring.hash(key_of(i))) >= backends.size() ? 1 : 0;
      }
      missing += ring.owner(ring.hash("")) >= backends.size() ? 1 : 0;
      CHECK(missing == 0);
    }
  }
}

TEST_CASE(
    "candidates begin with the owner, name each node once, and are a prefix of longer lists") {
  const std::vector<Backend> backends = make_backends(12);
  for (const RingKind kind : all_kinds()) {
    CAPTURE(name(kind));
    const Ring ring(kind, default_hash(kind), backends);
    int wrong = 0;
    for (int i = 0; i < 300; ++i) {
      const std::uint64_t hash = ring.hash(key_of(i));
      std::array<NodeIndex, 3> few{};
      std::vector<NodeIndex> all(20);
      const std::size_t few_count = ring.candidates(hash, few);
      const std::size_t all_count = ring.candidates(hash, all);
      all.resize(all_count);
      const bool good = few_count == 3 && all_count == 12 && few[0] == ring.owner(hash) &&
                        std::equal(few.begin(), few.end(), all.begin()) &&
                        std::set<NodeIndex>(all.begin(), all.end()).size() == 12;
      wrong += good ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(ring.candidates(1, {}) == 0);
  }
}

TEST_CASE("the keys of a lost node spread over all others") {
  const std::vector<Backend> backends = make_backends(6);
  for (const RingKind kind : all_kinds()) {
    CAPTURE(name(kind));
    const Ring ring(kind, default_hash(kind), backends);
    std::vector<int> stand_ins(6);
    int lost = 0;
    for (int i = 0; i < 30'000; ++i) {
      const std::uint64_t hash = ring.hash(key_of(i));
      if (ring.owner(hash) != 2) continue;
      std::array<NodeIndex, 2> out{};
      REQUIRE(ring.candidates(hash, out) == 2);
      ++stand_ins[out[1]];
      ++lost;
    }
    CHECK(stand_ins[2] == 0);
    for (const NodeIndex node : {0, 1, 3, 4, 5}) {
      CHECK(stand_ins[node] > lost / 20);  // a fifth each, as evenly as the ring can
      CHECK(stand_ins[node] < lost / 2);
    }
  }
}

TEST_CASE("one node owns everything; no node, nothing") {
  for (const RingKind kind : all_kinds()) {
    CAPTURE(name(kind));
    const Ring one(kind, default_hash(kind), make_backends(1));
    CHECK(one.shares() == std::vector<double>{1.0});
    for (int i = 0; i < 100; ++i) CHECK(one.owner(one.hash(key_of(i))) == 0);

    std::vector<Backend> draining = make_backends(2);
    for (Backend& backend : draining) backend.drain = true;
    for (const auto& backends : {std::vector<Backend>{}, draining}) {
      const Ring none(kind, default_hash(kind), backends);
      CHECK(none.owner(none.hash("k")) == kNoNode);
      std::array<NodeIndex, 2> out{};
      CHECK(none.candidates(none.hash("k"), out) == 0);
      CHECK(std::accumulate(none.shares().begin(), none.shares().end(), 0.0) == 0.0);
      CHECK(none.fingerprint().size() == 16);
    }
  }
}

TEST_CASE("a thousand nodes all own something") {
  const std::vector<Backend> backends = make_backends(1000);
  for (const RingKind kind : all_kinds()) {
    CAPTURE(name(kind));
    const Ring ring(kind, default_hash(kind), backends);
    CHECK(*std::min_element(ring.shares().begin(), ring.shares().end()) > 0);
    std::vector<NodeIndex> all(1000);
    CHECK(ring.candidates(ring.hash("k"), all) == 1000);
  }
}

TEST_CASE("shares are what a count of keys comes to") {
  const std::vector<Backend> backends = make_backends(4);
  for (const RingKind kind : all_kinds()) {
    CAPTURE(name(kind));
    const KeyHash hash = kind == RingKind::kRingcache ? KeyHash::kXxh3 : KeyHash::kMd5;
    const Ring ring(kind, hash, backends);
    constexpr int kKeys = 20'000;
    std::vector<double> counts(4);
    for (int i = 0; i < kKeys; ++i) ++counts[ring.owner(ring.hash(key_of(i)))];
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(counts[i] / kKeys == doctest::Approx(ring.shares()[i]).epsilon(0.06));
    }
  }
  const Ring crc32(RingKind::kKetama, KeyHash::kCrc32, backends);
  CHECK(*std::max_element(crc32.shares().begin(), crc32.shares().end()) > 0.99);
}

TEST_CASE("fingerprints tell placements apart") {
  const std::vector<Backend> backends = make_backends(3);
  std::set<std::string> seen;
  for (const RingKind kind : all_kinds()) {
    for (const KeyHash hash : hashes_of(kind)) {
      seen.insert(Ring(kind, hash, backends).fingerprint());
      CHECK(Ring(kind, hash, backends).fingerprint() == Ring(kind, hash, backends).fingerprint());
    }
  }
  CHECK(seen.size() == 1 + (kRingKindCount - 1) * kKeyHashCount);

  for (const RingKind kind : all_kinds()) {
    CAPTURE(name(kind));
    const auto fingerprint = [&](const std::vector<Backend>& list) {
      return Ring(kind, default_hash(kind), list).fingerprint();
    };
    std::vector<Backend> more = make_backends(4);
    CHECK(fingerprint(more) != fingerprint(backends));
    std::vector<Backend> swapped{backends[1], backends[0], backends[2]};
    CHECK((fingerprint(swapped) == fingerprint(backends)) == (kind != RingKind::kModula));
  }
}

}  // namespace ringcache::routing
