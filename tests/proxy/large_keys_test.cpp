#include "proxy/large_keys.h"

#include <doctest/doctest.h>

namespace {

using ringcache::proxy::LargeKeys;

TEST_CASE("a key is large from when it is noted until it is forgotten") {
  LargeKeys keys;
  const std::size_t mark = 0x1234'5678'9abc'def1;
  CHECK_FALSE(keys.any());
  CHECK(keys.size_of(mark) == 0);
  keys.note(mark, 500'000);
  CHECK(keys.any());
  CHECK(keys.size_of(mark) == 500'000);
  keys.note(mark, 700'000);
  CHECK(keys.size_of(mark) == 700'000);
  keys.forget(mark);
  CHECK(keys.size_of(mark) == 0);
}

TEST_CASE("another key of the same place is not taken for it, and takes its place") {
  LargeKeys keys;
  const std::size_t first = 0x0000'0001'0000'0001;
  const std::size_t second = 0x0000'0002'0000'0001;
  keys.note(first, 500'000);
  CHECK(keys.size_of(second) == 0);
  keys.forget(second);
  CHECK(keys.size_of(first) == 500'000);
  keys.note(second, 600'000);
  CHECK(keys.size_of(second) == 600'000);
  CHECK(keys.size_of(first) == 0);
}

TEST_CASE("the mark of no key is not noted, and a size beyond 32 bits is as large as can be said") {
  LargeKeys keys;
  keys.note(0, 500'000);
  CHECK_FALSE(keys.any());
  CHECK(keys.size_of(0) == 0);
  keys.note(0x0000'0001'0000'0001, std::uint64_t{1} << 40);
  CHECK(keys.size_of(0x0000'0001'0000'0001) == 0xffff'ffff);
}

}  // namespace
