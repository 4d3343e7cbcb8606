#include "store/hashed_key.h"

#include <doctest/doctest.h>

#include <bit>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/store/store_fixture.h"

namespace ringcache::store {

TEST_CASE("every byte, every length and the seed change about half of the hash") {
  std::mt19937_64 random(1);
  for (std::size_t length = 1; length <= kKeyBytesMax; ++length) {
    std::string key(length, '\0');
    for (char& byte : key) byte = static_cast<char>(random());
    const std::uint64_t hash = hash_bytes(key, 7);
    CHECK(hash == hash_bytes(std::string(key), 7));
    double changed = 0;
    int trials = 0;
    for (std::size_t at = 0; at < length; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        key[at] = static_cast<char>(key[at] ^ 1 << bit);
        const int differ = std::popcount(hash ^ hash_bytes(key, 7));
        CHECK(differ > 8);
        changed += differ;
        ++trials;
        key[at] = static_cast<char>(key[at] ^ 1 << bit);
      }
    }
    CHECK(changed / trials > 28);
    CHECK(changed / trials < 36);
    CHECK(std::popcount(hash ^ hash_bytes(key, 8)) > 8);
    CHECK(hash != hash_bytes(key + '\0', 7));
  }
}

TEST_CASE("keys that count up spread evenly over low and middle bits, without collisions") {
  constexpr std::size_t kCells = 256;
  constexpr int kKeys = 100000;
  std::vector<int> low(kCells);
  std::vector<int> middle(kCells);
  std::set<std::uint64_t> seen;
  for (int key = 0; key < kKeys; ++key) {
    const std::uint64_t hash = hash_bytes(numbered("user:", key), 0);
    ++low[hash % kCells];
    ++middle[(hash >> 20) % kCells];
    seen.insert(hash);
  }
  CHECK(seen.size() == kKeys);
  for (const auto* cells : {&low, &middle}) {
    double chi_squared = 0;
    const double expected = double{kKeys} / kCells;
    for (const int count : *cells)
      chi_squared += (count - expected) * (count - expected) / expected;
    CHECK(chi_squared < 350);  // 255 degrees of freedom: 0.01 % are above 345
  }
}

}  // namespace ringcache::store
