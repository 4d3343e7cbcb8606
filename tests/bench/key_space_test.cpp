#include "tests/bench/key_space.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/bench/random.h"

namespace ringcache::bench {
namespace {

std::string key_of(const KeySpace& space, std::uint64_t index) {
  std::string key(space.key_bytes(), '?');
  CHECK(space.write(key.data(), index) == key.data() + key.size());
  return key;
}

}  // namespace

TEST_CASE("keys of every size are distinct and can be read back") {
  for (std::size_t bytes = 1; bytes <= KeySpace::kKeyBytesMax; ++bytes) {
    const KeySpace space(bytes, "key:");
    REQUIRE(space.key_bytes() == bytes);
    std::set<std::string> keys;
    for (std::uint64_t index = 0; index < 16; ++index) {
      const std::string key = key_of(space, index);
      CHECK(space.parse(key) == index);
      CHECK(key.find_first_of(" \r\n") == std::string::npos);
      keys.insert(key);
    }
    CHECK(keys.size() == 16);
  }
}

TEST_CASE("a key is its prefix and the hex digits of splitmix64") {
  CHECK(key_of(KeySpace(20, "key:"), 0) == "key:e220a8397b1dcdaf");
  CHECK(key_of(KeySpace(18, "key:"), 0) == "kee220a8397b1dcdaf");
  CHECK(key_of(KeySpace(24, "key:"), 0) == "key:0000e220a8397b1dcdaf");
  CHECK(key_of(KeySpace(3, "key:"), 0x1af) == "1af");
  CHECK(KeySpace(3, "").capacity() == 4096);
}

TEST_CASE("what is no key of the space is not taken for one") {
  const KeySpace space(20, "key:");
  const std::string key = key_of(space, 77);
  CHECK_FALSE(space.parse(key.substr(1)));
  CHECK_FALSE(space.parse(key + "0"));
  CHECK_FALSE(space.parse("kez:" + key.substr(4)));
  for (std::size_t i = 4; i < key.size(); ++i) {
    std::string wrong = key;
    wrong[i] = 'g';
    CHECK_FALSE(space.parse(wrong));
  }
}

}  // namespace ringcache::bench
