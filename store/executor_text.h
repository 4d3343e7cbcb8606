// Lines of listings, written straight into the output: each call returns where the next goes on.
// REQUIRES room, which the caller reserved. Any thread.
#pragma once

#include <charconv>
#include <cstddef>
#include <string_view>

namespace ringcache::store {

// Of a 64-bit number in decimal, with its sign.
inline constexpr std::size_t kNumberBytesMax = 20;

inline char* append_text(char* to, std::string_view text) {
  return to + text.copy(to, text.size());
}

template <typename Number>
char* append_number(char* to, Number number) {
  return std::to_chars(to, to + kNumberBytesMax, number).ptr;
}

}  // namespace ringcache::store
