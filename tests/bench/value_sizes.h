#pragma once

// How long each key's value is: a function of the key's index, so that every write of a key has
// the same length and a reader knows what to expect. One of
//   100                       always 100 bytes
//   100-1000                  uniform between the two
//   log:64-65536              uniform in the logarithm: as many of 64..128 as of 32768..65536
//   lognormal:400,0.8,64,60000   median, sigma, least, most
// Immutable after construction, shared by all threads.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/bench/random.h"

namespace ringcache::bench {

class ValueSizes {
 public:
  static constexpr std::size_t kValueBytesMax = std::size_t{1} << 30;

  /// Nothing if `text` is none of the above or a size is above kValueBytesMax.
  static std::optional<ValueSizes> parse(std::string_view text);

  std::size_t of(std::uint64_t index) const {
    return quantiles_.size() == 1 ? quantiles_[0]
                                  : quantiles_[splitmix64(~index) >> (64 - kQuantileBits)];
  }
  std::size_t max() const { return max_; }
  double mean() const;

 private:
  static constexpr unsigned kQuantileBits = 12;

  explicit ValueSizes(std::vector<std::uint32_t> quantiles);

  std::vector<std::uint32_t> quantiles_;  // one if fixed, else 2^kQuantileBits
  std::size_t max_;
};

}  // namespace ringcache::bench
