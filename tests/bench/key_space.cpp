#include "tests/bench/key_space.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/bench/random.h"

namespace ringcache::bench {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::uint8_t kNotHex = 0xff;

constexpr auto kHexPairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t i = 0; i < 256; ++i) pairs[i] = {kHex[i >> 4], kHex[i & 15]};
  return pairs;
}();

constexpr auto kHexValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotHex);
  for (std::uint8_t i = 0; i < 16; ++i) values[static_cast<unsigned char>(kHex[i])] = i;
  return values;
}();

}  // namespace

KeySpace::KeySpace(std::size_t key_bytes, std::string_view prefix)
    : digits_(std::min(key_bytes, kHashDigits)) {
  const std::size_t head_bytes = key_bytes - digits_;
  head_ = prefix.substr(0, head_bytes);
  head_.resize(head_bytes, '0');
}

std::uint64_t KeySpace::capacity() const {
  return digits_ == kHashDigits ? ~std::uint64_t{0} : std::uint64_t{1} << (4 * digits_);
}

char* KeySpace::write(char* out, std::uint64_t index) const {
  std::memcpy(out, head_.data(), head_.size());
  out += head_.size();
  if (digits_ == kHashDigits) {
    const std::uint64_t bits = splitmix64(index);
    for (int shift = 56; shift >= 0; shift -= 8, out += 2) {
      std::memcpy(out, kHexPairs[(bits >> shift) & 0xff].data(), 2);
    }
    return out;
  }
  for (std::size_t i = digits_; i-- > 0;) *out++ = kHex[(index >> (4 * i)) & 15];
  return out;
}

std::optional<std::uint64_t> KeySpace::parse(std::string_view key) const {
  if (key.size() != key_bytes()) return std::nullopt;
  if (std::memcmp(key.data(), head_.data(), head_.size()) != 0) return std::nullopt;
  std::uint64_t bits = 0;
  std::uint8_t seen = 0;
  for (const char c : key.substr(head_.size())) {
    const std::uint8_t digit = kHexValues[static_cast<unsigned char>(c)];
    seen |= digit;
    bits = (bits << 4) | (digit & 15U);
  }
  if ((seen & 0xf0) != 0) return std::nullopt;
  return digits_ == kHashDigits ? splitmix64_inverse(bits) : bits;
}

}  // namespace ringcache::bench
