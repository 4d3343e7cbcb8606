// The numbers that incr and decr work on: a value is a number if it reads as one for strtoull(3) in
// base 10 and ends there or with white space, as in memcached. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ringcache::store {

inline constexpr std::size_t kDecimalBytesMax = 20;  // of 2^64 - 1

// " 12  " is 12, "+7" is 7, "12ab", "", " ", "-1" and what overflows 64 bits are no numbers.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// The old number and the new one: wraps at 2^64, stops at 0.
constexpr std::uint64_t apply_delta(std::uint64_t value, std::uint64_t delta, bool decrement) {
  if (!decrement) return value + delta;
  return delta > value ? 0 : value - delta;
}

}  // namespace ringcache::store
