// A stream cut in pieces whose sizes follow from a number, so that a fuzzer can vary them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ringcache::test {

// Piece sizes between 1 and 256, from a linear congruential sequence that starts at `seed`; with
// seed 0 single bytes.
inline std::vector<std::string_view> split_bytes(std::string_view whole, std::uint8_t seed) {
  std::vector<std::string_view> pieces;
  std::uint32_t state = seed;
  while (!whole.empty()) {
    state = state * 1664525 + (seed == 0 ? 0 : 1013904223);
    const std::size_t bytes = std::min<std::size_t>(whole.size(), 1 + (state >> 24));
    pieces.push_back(whole.substr(0, bytes));
    whole.remove_prefix(bytes);
  }
  return pieces;
}

}  // namespace ringcache::test
