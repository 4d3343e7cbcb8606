#include "store/expiry.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace ringcache::store {

TEST_CASE("wire exptimes follow protocol.txt") {
  constexpr Seconds kNow = 1000;
  constexpr std::int64_t kOffset = 1'800'000'000;  // the store's second 0
  CHECK(expiry_from_wire(0, kNow, kOffset) == kNever);
  CHECK(expiry_from_wire(-1, kNow, kOffset) == kAlreadyPast);
  CHECK(expiry_from_wire(INT64_MIN, kNow, kOffset) == kAlreadyPast);
  CHECK(expiry_from_wire(1, kNow, kOffset) == 1001);
  CHECK(expiry_from_wire(2'592'000, kNow, kOffset) == kNow + 2'592'000);
  CHECK(expiry_from_wire(2'592'001, kNow, kOffset) == kAlreadyPast);  // a day in 1970
  CHECK(expiry_from_wire(kOffset, kNow, kOffset) == kAlreadyPast);
  CHECK(expiry_from_wire(kOffset + 500, kNow, kOffset) == 500);
  CHECK(expiry_from_wire(kOffset + 2000, kNow, kOffset) == 2000);
  CHECK(expiry_from_wire(INT64_MAX, kNow, kOffset) == kNever);  // further than the clock goes
}

TEST_CASE("an item is gone in the second it expires") {
  CHECK_FALSE(is_expired(kNever, 4'000'000'000));
  CHECK_FALSE(is_expired(11, 10));
  CHECK(is_expired(10, 10));
  CHECK(is_expired(kAlreadyPast, kClockStart));
  CHECK(seconds_left(kNever, 10) == -1);
  CHECK(seconds_left(15, 10) == 5);
  CHECK(seconds_left(9, 10) == 0);
}

}  // namespace ringcache::store
