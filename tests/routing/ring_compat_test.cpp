// The compat rings against known numbers. Whole lists of keys are compared with the real programs
// in golden_libmemcached.py and golden_nutcracker.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "routing/md5.h"
#include "routing/ring.h"
#include "routing/ring_ketama.h"
#include "routing/ring_memcached_proxy.h"
#include "test_backends.h"

namespace ringcache::routing {
namespace {

std::size_t points_of(const std::vector<RingPoint>& points, NodeIndex node) {
  return static_cast<std::size_t>(std::count_if(
      points.begin(), points.end(), [&](const RingPoint& point) { return point.node == node; }));
}

}  // namespace

TEST_CASE("ketama: golden vectors") {
  const std::vector<Backend> a{make_backend("10.0.1.1"), make_backend("10.0.1.2"),
                               make_backend("10.0.1.3:11211")};
  const std::vector<Backend> b{make_backend("127.0.0.1:11311"), make_backend("127.0.0.1:11312", 2),
                               make_backend("127.0.0.1:11313")};

  const std::vector<RingPoint> points_a = ketama_points(a);
  REQUIRE(points_a.size() == 480);
  // MD5("10.0.1.1-0") = abf0158ee1d31b1d89cb4082093ee216
  CHECK(points_a[0].value == 2383802539);
  CHECK(points_a[1].value == 488362977);
  CHECK(points_a[2].value == 2185284489);
  CHECK(points_a[3].value == 383925769);
  const Ring ring_a_md5(RingKind::kKetama, KeyHash::kMd5, a);
  CHECK(ring_a_md5.points()->points().front().value == 2148620);
  CHECK(ring_a_md5.points()->points().front().node == 2);
  CHECK(ring_a_md5.points()->points().back().value == 4284485839);
  CHECK(ring_a_md5.points()->points().back().node == 0);

  const std::vector<RingPoint> points_b = ketama_points(b);
  CHECK(points_of(points_b, 0) == 120);
  CHECK(points_of(points_b, 1) == 240);
  CHECK(points_of(points_b, 2) == 120);

  const Ring ring_b_md5(RingKind::kKetama, KeyHash::kMd5, b);
  const Ring ring_a_fnv(RingKind::kKetama, KeyHash::kFnv1a_64, a);
  const Ring ring_b_fnv(RingKind::kKetama, KeyHash::kFnv1a_64, b);
  struct Row {
    const char* key;
    std::uint32_t md5;
    NodeIndex a_md5, b_md5;
    std::uint32_t fnv;
    NodeIndex a_fnv, b_fnv;
  };
  for (const Row& row : {Row{"foo", 3675831724, 2, 0, 4275688823, 1, 0},
                         Row{"bar", 421377335, 2, 2, 322520602, 0, 1},
                         Row{"user:1000", 781738503, 1, 1, 2927313545, 0, 2},
                         Row{"a", 3111502092, 2, 1, 2248273036, 2, 2},
                         Row{"session:{42}:x", 1381583842, 1, 1, 2684297915, 2, 2}}) {
    CAPTURE(row.key);
    CHECK(ring_a_md5.hash(row.key) == row.md5);
    CHECK(ring_a_fnv.hash(row.key) == row.fnv);
    CHECK(ring_a_md5.owner(row.md5) == row.a_md5);
    CHECK(ring_b_md5.owner(row.md5) == row.b_md5);
    CHECK(ring_a_fnv.owner(row.fnv) == row.a_fnv);
    CHECK(ring_b_fnv.owner(row.fnv) == row.b_fnv);
  }
}

TEST_CASE("ketama: point counts are those of 32-bit floats") {
  // Equal weights: the sizes up to 200 at which the float comes out below 160.
  const std::vector<std::uint32_t> short_of_160{25,  47,  50,  55,  61,  71,  94,  100, 107, 109,
                                                110, 115, 122, 142, 159, 163, 188, 193, 200};
  for (std::uint32_t n = 1; n <= 200; ++n) {
    CAPTURE(n);
    const bool is_short =
        std::find(short_of_160.begin(), short_of_160.end(), n) != short_of_160.end();
    CHECK(ketama_point_count(1, n, n) == (is_short ? 156 : 160));
  }
  CHECK(ketama_point_count(100000, 100001, 2) == 316);
  CHECK(ketama_point_count(1, 100001, 2) == 0);
}

TEST_CASE("ketama: what a node is called on the ring") {
  CHECK(ketama_name(make_backend("10.0.1.1")) == "10.0.1.1");
  CHECK(ketama_name(make_backend("10.0.1.1:11211")) == "10.0.1.1");
  CHECK(ketama_name(make_backend("10.0.1.1:11212")) == "10.0.1.1:11212");
  CHECK(ketama_name(make_backend("[::1]:11212")) == "::1:11212");
  CHECK(ketama_name(make_backend("unix:/tmp/a.sock")) == "/tmp/a.sock:0");
  Backend named = make_backend("10.0.1.1:11212");
  set_name(named, "cache-a");
  CHECK(ketama_name(named) == "cache-a");
}

TEST_CASE("ketama: a draining node is as one that is not listed") {
  std::vector<Backend> all = make_backends(4);
  all[1].drain = true;
  const Ring drained(RingKind::kKetama, KeyHash::kMd5, all);
  std::vector<Backend> without{all[0], all[2], all[3]};
  const Ring shorter(RingKind::kKetama, KeyHash::kMd5, without);
  CHECK(drained.fingerprint() == shorter.fingerprint());
  CHECK(drained.shares()[1] == 0);
}

TEST_CASE("ketama-unweighted: 100 points a node, the key hash of name-k") {
  const std::vector<Backend> backends{make_backend("10.0.1.1", 7), make_backend("10.0.1.2:11212")};
  const auto points = ketama_unweighted_points(KeyHash::kOneAtATime, backends);
  REQUIRE(points.size() == 200);
  CHECK(points[0].value == hash_key(KeyHash::kOneAtATime, "10.0.1.1-0"));
  CHECK(points[99].value == hash_key(KeyHash::kOneAtATime, "10.0.1.1-99"));
  CHECK(points[100].value == hash_key(KeyHash::kOneAtATime, "10.0.1.2:11212-0"));
  CHECK(points[199].node == 1);
}

TEST_CASE("memcached-proxy: 160 points a node, XXH3 of host:port-k") {
  const std::vector<Backend> backends{make_backend("10.0.1.1"), make_backend("10.0.1.2:11212", 3)};
  const auto points = memcached_proxy_points(backends);
  REQUIRE(points.size() == 320);
  CHECK(points[0].value == static_cast<std::uint32_t>(hash_key_64("10.0.1.1:11211-0")));
  CHECK(points[319].value == static_cast<std::uint32_t>(hash_key_64("10.0.1.2:11212-159")));
  CHECK(points_of(points, 0) == points_of(points, 1));
}

TEST_CASE("points: lookup agrees with a plain search, at the edges too") {
  for (const std::size_t nodes : {1U, 2U, 10U, 1000U}) {
    CAPTURE(nodes);
    const Ring ring(RingKind::kKetama, KeyHash::kMd5, make_backends(nodes));
    const auto points = ring.points()->points();
    const auto plain = [&](std::uint32_t hash) {
      const auto at =
          std::lower_bound(points.begin(), points.end(), hash,
                           [](const RingPoint& p, std::uint32_t h) { return p.value < h; });
      return at == points.end() ? points.front().node : at->node;
    };
    std::vector<std::uint32_t> probes{0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    for (std::size_t i = 0; i < points.size(); i += 1 + points.size() / 997) {
      for (const std::uint32_t delta : {0U, 1U, 0xffffffffU}) {
        probes.push_back(points[i].value + delta);
      }
    }
    for (std::uint32_t i = 0; i < 5000; ++i) probes.push_back(i * 2654435761U);
    int wrong = 0;
    for (const std::uint32_t probe : probes) wrong += ring.owner(probe) != plain(probe) ? 1 : 0;
    CHECK(wrong == 0);
  }
}

TEST_CASE("points: equal values go to the lower index, whatever the order they came in") {
  const PointRing ring(
      {{.value = 50, .node = 3}, {.value = 50, .node = 1}, {.value = 9, .node = 2}});
  CHECK(ring.owner(9) == 2);
  CHECK(ring.owner(10) == 1);
  CHECK(ring.owner(50) == 1);
  CHECK(ring.owner(51) == 2);
  std::array<NodeIndex, 4> out{};
  CHECK(ring.candidates(50, out) == 3);
  CHECK(out[0] == 1);
  CHECK(out[1] == 3);
  CHECK(out[2] == 2);
}

TEST_CASE("points: the highest value is a point like others") {
  const PointRing ring({{.value = 0xffffffff, .node = 1}, {.value = 5, .node = 0}});
  CHECK(ring.owner(0xffffffff) == 1);
  CHECK(ring.owner(6) == 1);
  CHECK(ring.owner(0) == 0);
}

TEST_CASE("points: none at all") {
  const PointRing ring({});
  CHECK(ring.owner(0) == kNoNode);
  CHECK(ring.owner(0xffffffff) == kNoNode);
  std::array<NodeIndex, 2> out{};
  CHECK(ring.candidates(7, out) == 0);
}

TEST_CASE("modula: slots by weight in the list's order") {
  const std::vector<Backend> backends{make_backend("b", 2), make_backend("a", 1),
                                      make_backend("c", 3)};
  const Ring ring(RingKind::kModula, KeyHash::kFnv1a_64, backends);
  const std::array<NodeIndex, 6> expected{0, 0, 1, 2, 2, 2};
  for (std::uint32_t hash = 0; hash < 60; ++hash) CHECK(ring.owner(hash) == expected[hash % 6]);
}

TEST_CASE("modula-twemproxy: shorter names first, then by bytes") {
  std::vector<Backend> backends{make_backend("10.0.0.10:1"), make_backend("10.0.0.9:22"),
                                make_backend("10.0.0.9:21"), make_backend("10.0.0.11"),
                                make_backend("10.0.0.1:1")};
  set_name(backends[4], "z");
  // Names: "10.0.0.10:1" "10.0.0.9:22" "10.0.0.9:21" "10.0.0.11" "z"
  const Ring ring(RingKind::kModulaTwemproxy, KeyHash::kFnv1a_64, backends);
  const std::array<NodeIndex, 5> expected{4, 3, 0, 2, 1};
  for (std::uint32_t hash = 0; hash < 10; ++hash) CHECK(ring.owner(hash) == expected[hash % 5]);
}

}  // namespace ringcache::routing
