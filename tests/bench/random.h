#pragma once

// The load generator's randomness: a bijective mixer, which turns an index into bits that look
// random and back again, and a fast generator. Not for secrets. A Random belongs to one thread.
//
// splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
// xoshiro256**: Blackman, Vigna, "Scrambled linear pseudorandom number generators", 2018.

#include <bit>
#include <cstdint>

namespace ringcache::bench {

inline constexpr std::uint64_t kGoldenGamma = 0x9e3779b97f4a7c15;

/// One step of splitmix64. A bijection: different inputs always give different outputs.
constexpr std::uint64_t splitmix64(std::uint64_t x) {
  std::uint64_t z = x + kGoldenGamma;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// The x for which splitmix64(x) == y: each step undone in turn, the multiplications by the
/// inverses of their constants modulo 2^64.
constexpr std::uint64_t splitmix64_inverse(std::uint64_t y) {
  std::uint64_t z = y ^ (y >> 31) ^ (y >> 62);
  z *= 0x319642b2d24d8ec3;
  z = z ^ (z >> 27) ^ (z >> 54);
  z *= 0x96de1b173f119089;
  z = z ^ (z >> 30) ^ (z >> 60);
  return z - kGoldenGamma;
}

/// xoshiro256**, seeded through splitmix64, so that any seed (0 too) is a good one.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = splitmix64(seed++);
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, n), n > 0 and below 2^32 (the bias is then under 2^-32).
  std::uint64_t below(std::uint64_t n) { return ((next() >> 32) * n) >> 32; }

  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_[4];
};

}  // namespace ringcache::bench
