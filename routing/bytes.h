// Reading integers out of bytes, whatever the machine's byte order and alignment.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringcache::routing {

// The little-endian value of the first `count` bytes, 0 to 4.
inline std::uint32_t load_le(const std::uint8_t* bytes, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= std::uint32_t{bytes[i]} << (8 * i);
  return value;
}

inline std::uint32_t load_le32(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
         std::uint32_t{bytes[3]} << 24;
}

inline std::uint32_t load_le16(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8;
}

}  // namespace ringcache::routing
