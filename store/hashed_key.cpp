#include "store/hashed_key.h"

#include <cstring>

namespace ringcache::store {
namespace {

// Odd constants with half their bits set: the fractional parts of sqrt(2), sqrt(3), sqrt(5),
// sqrt(7).
constexpr std::uint64_t kA = 0x6A09E667F3BCC909;
constexpr std::uint64_t kB = 0xBB67AE8584CAA73B;
constexpr std::uint64_t kC = 0x3C6EF372FE94F82B;
constexpr std::uint64_t kD = 0xA54FF53A5F1D36F1;

std::uint64_t load64(const char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

std::uint64_t load32(const char* from) {
  std::uint32_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// The two halves of the 128-bit product, folded: every input bit reaches every output bit.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = seed ^ kA;
  while (left > 16) {
    state = fold(load64(at) ^ kB, load64(at + 8) ^ state);
    at += 16;
    left -= 16;
  }
  // The last 1 to 16 bytes as two overlapping words: no byte is skipped and nothing past the end
  // is read.
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (left >= 8) {
    low = load64(at);
    high = load64(at + left - 8);
  } else if (left >= 4) {
    low = load32(at);
    high = load32(at + left - 4);
  } else if (left > 0) {
    low = static_cast<unsigned char>(at[0]);
    high = static_cast<std::uint64_t>(static_cast<unsigned char>(at[left / 2])) << 8 |
           static_cast<unsigned char>(at[left - 1]);
  }
  state = fold(low ^ kC, high ^ state);
  return fold(state ^ kD, bytes.size() ^ kB);
}

}  // namespace ringcache::store
