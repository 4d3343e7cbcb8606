// SlotPermutation: the order in which one node of the native ring asks for the slots.
//
// A bijection on 20-bit numbers chosen by a 64-bit seed, cheap in both directions. Three rounds of
// an odd multiplication and a fold of the upper half onto the lower; each step can be undone, and
// a fold by half the width undoes itself. Any change of this arithmetic moves keys of every
// deployed ring; tests/routing pins it.
#pragma once

#include <array>
#include <cstdint>

namespace ringcache::routing {

inline constexpr unsigned kSlotBits = 20;
inline constexpr std::uint32_t kSlotCount = std::uint32_t{1} << kSlotBits;

class SlotPermutation {
 public:
  explicit SlotPermutation(std::uint64_t seed) {
    for (Round& round : rounds_) {
      const std::uint64_t bits = next(seed);
      round.offset = static_cast<std::uint32_t>(bits) & kMask;
      round.multiplier = (static_cast<std::uint32_t>(bits >> 32) | 1) & kMask;
      round.inverse = inverse_of(round.multiplier);
    }
  }

  // The slot that is asked for at this turn, both 0 to kSlotCount - 1.
  std::uint32_t slot_at(std::uint32_t turn) const {
    std::uint32_t x = turn;
    for (const Round& round : rounds_) x = fold(((x + round.offset) * round.multiplier) & kMask);
    return x;
  }

  // The turn at which this slot is asked for.
  std::uint32_t turn_of(std::uint32_t slot) const {
    std::uint32_t x = slot;
    for (std::size_t i = rounds_.size(); i-- > 0;) {
      x = (fold(x) * rounds_[i].inverse - rounds_[i].offset) & kMask;
    }
    return x;
  }

 private:
  struct Round {
    std::uint32_t offset;
    std::uint32_t multiplier;  // odd
    std::uint32_t inverse;     // of the multiplier, modulo 2^kSlotBits
  };
  static constexpr std::uint32_t kMask = kSlotCount - 1;

  static std::uint32_t fold(std::uint32_t x) { return x ^ (x >> (kSlotBits / 2)); }

  // SplitMix64 (Steele, Lea, Flood 2014).
  static std::uint64_t next(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t x = state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  // Newton's iteration: x = 1/odd is right in its low 3 bits at first, and each turn doubles them.
  static std::uint32_t inverse_of(std::uint32_t odd) {
    std::uint32_t x = odd;
    for (int i = 0; i < 4; ++i) x *= 2 - odd * x;
    return x & kMask;
  }

  std::array<Round, 3> rounds_;
};

}  // namespace ringcache::routing
