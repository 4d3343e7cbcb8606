#include "store/decimal.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace ringcache::store {

TEST_CASE("what counts as a number is what memcached takes for one") {
  CHECK(parse_decimal("0") == 0);
  CHECK(parse_decimal("18446744073709551615") == UINT64_MAX);
  CHECK(parse_decimal(" 5") == 5);
  CHECK(parse_decimal("5   ") == 5);
  CHECK(parse_decimal("5 ab") == 5);
  CHECK(parse_decimal("+1") == 1);
  CHECK(parse_decimal("-0") == 0);
  CHECK(parse_decimal("007") == 7);
  for (const char* text : {"", " ", "-", "+", "-1", "5a", "a", "+-1", "18446744073709551616", "1.5",
                           "99999999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_decimal(text).has_value());
  }
}

TEST_CASE("increments wrap, decrements stop") {
  CHECK(apply_delta(UINT64_MAX, 2, false) == 1);
  CHECK(apply_delta(5, 3, true) == 2);
  CHECK(apply_delta(5, 6, true) == 0);
}

}  // namespace ringcache::store
