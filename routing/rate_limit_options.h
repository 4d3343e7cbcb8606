// What an operator can say about a pool's rates (rate_limit.h). Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringcache::routing {

// Tokens come at whole nanoseconds: up to here the rate is exact to 1 %.
inline constexpr std::uint32_t kRateMax = 10'000'000;
inline constexpr std::size_t kRatePrefixesMax = 64;  // each key is compared with all of them

struct RateOptions {
  // Keys a second, over all workers of the process. 0: no limit.
  std::uint32_t per_second = 0;
  // Keys at once, after a rest. 0: as many as in a second.
  std::uint32_t burst = 0;

  bool operator==(const RateOptions&) const = default;
};

struct RatePair {
  RateOptions gets;
  RateOptions sets;

  bool operator==(const RatePair&) const = default;
};

// Of the keys that begin so; the longest that fits counts.
struct PrefixRate : RatePair {
  std::string prefix;

  bool operator==(const PrefixRate&) const = default;
};

struct RateLimitOptions : RatePair {
  std::vector<PrefixRate> prefixes;

  bool limits_anything() const {
    return gets.per_second > 0 || sets.per_second > 0 || !prefixes.empty();
  }
  bool operator==(const RateLimitOptions&) const = default;
};

}  // namespace ringcache::routing
