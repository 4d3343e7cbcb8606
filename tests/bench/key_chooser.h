#pragma once

// Which key the next request asks for: uniform, or by Zipf's law (the key of rank r is asked for
// in proportion to r^-exponent). Zipf ranks are drawn by rejection-inversion (Hörmann, Derflinger,
// "Rejection-inversion to generate variates from monotone discrete distributions", 1996): constant
// time and no table, however many keys there are. Ranks are then scattered over the indices, else
// the popular keys would be neighbours in the memory of a server that was filled in index order.
// Immutable after construction; any thread may use it with its own Random.

#include <cstdint>

#include "tests/bench/random.h"

namespace ringcache::bench {

class KeyChooser {
 public:
  /// `key_count` in [1, 2^32); `zipf_exponent` 0 means uniform, else it is > 0.
  KeyChooser(std::uint64_t key_count, double zipf_exponent);

  /// An index in [0, key_count).
  std::uint64_t choose(Random& random) const {
    return exponent_ == 0.0 ? random.below(key_count_) : index_of_rank(choose_rank(random));
  }

  /// A rank in [1, key_count], 1 the most popular. REQUIRES zipf_exponent > 0.
  std::uint64_t choose_rank(Random& random) const;

  /// A bijection from ranks [1, key_count] to indices [0, key_count).
  std::uint64_t index_of_rank(std::uint64_t rank) const {
    return (rank - 1) * stride_ % key_count_;
  }

 private:
  double integral(double x) const;
  double integral_inverse(double y) const;
  double density(double x) const;

  std::uint64_t key_count_;
  double exponent_;
  std::uint64_t stride_ = 1;  // has no common divisor with key_count_
  double integral_first_ = 0;
  double integral_last_ = 0;
  double accept_below_ = 0;
};

}  // namespace ringcache::bench
