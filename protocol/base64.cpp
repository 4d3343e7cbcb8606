#include "protocol/base64.h"

#include <array>
#include <cstdint>

namespace ringcache::protocol {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kSkip = 0xff;

// Character -> six bits; '=' counts as zero bits, everything else is skipped.
constexpr std::array<std::uint8_t, 256> make_decode_table() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kSkip);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  table['='] = 0;
  return table;
}
constexpr std::array<std::uint8_t, 256> kDecode = make_decode_table();

std::uint8_t decode_one(char c) {
  return kDecode[static_cast<unsigned char>(c)];
}

}  // namespace

char* base64_encode(char* out, std::string_view bytes) {
  std::size_t at = 0;
  for (; at < bytes.size(); at += 3) {
    const std::size_t left = bytes.size() - at;
    std::uint32_t group = static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])) << 16;
    if (left > 1) {
      group |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + 1])) << 8;
    }
    if (left > 2) group |= static_cast<unsigned char>(bytes[at + 2]);
    *out++ = kAlphabet[group >> 18];
    *out++ = kAlphabet[group >> 12 & 63];
    *out++ = left > 1 ? kAlphabet[group >> 6 & 63] : '=';
    *out++ = left > 2 ? kAlphabet[group & 63] : '=';
  }
  return out;
}

std::size_t base64_decode(char* out, std::string_view text) {
  std::size_t significant = 0;
  for (const char c : text) significant += decode_one(c) != kSkip ? 1 : 0;
  if (significant == 0 || significant % 4 != 0) return 0;

  char* const begin = out;
  std::uint32_t group = 0;
  int in_group = 0;
  int padding = 0;
  for (const char c : text) {
    const std::uint8_t bits = decode_one(c);
    if (bits == kSkip) continue;
    if (c == '=') ++padding;
    group = group << 6 | bits;
    if (++in_group < 4) continue;
    if (padding > 2) return 0;
    *out++ = static_cast<char>(group >> 16);
    if (padding < 2) *out++ = static_cast<char>(group >> 8);
    if (padding < 1) *out++ = static_cast<char>(group);
    if (padding > 0) break;
    group = 0;
    in_group = 0;
  }
  return static_cast<std::size_t>(out - begin);
}

}  // namespace ringcache::protocol
