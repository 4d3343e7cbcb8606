// Numbers of the binary protocol: big-endian, at any address. REQUIRES that the bytes are there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringcache::protocol {

template <typename Number>
Number read_big_endian(const char* from) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    number = static_cast<Number>(number << 8 | static_cast<unsigned char>(from[i]));
  }
  return number;
}
inline std::uint16_t read_u16(const char* from) {
  return read_big_endian<std::uint16_t>(from);
}
inline std::uint32_t read_u32(const char* from) {
  return read_big_endian<std::uint32_t>(from);
}
inline std::uint64_t read_u64(const char* from) {
  return read_big_endian<std::uint64_t>(from);
}

// Returns the end of what it wrote.
template <typename Number>
char* write_big_endian(char* out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    out[i] = static_cast<char>(number >> (8 * (sizeof(Number) - 1 - i)));
  }
  return out + sizeof(Number);
}

}  // namespace ringcache::protocol
