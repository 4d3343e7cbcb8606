#include "routing/key_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "routing/bytes.h"
#include "routing/md5.h"

namespace ringcache::routing {
namespace {

const std::uint8_t* bytes_of(std::string_view key) {
  return reinterpret_cast<const std::uint8_t*>(key.data());
}

// What `(uint32_t)key[i]` gives where char is signed: the originals' arithmetic on x86.
std::uint32_t sign_extended(char byte) {
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<signed char>(byte)));
}

// --- FNV -----------------------------------------------------------------------------------------

struct FnvConstants {
  std::uint32_t basis;
  std::uint32_t prime;
};
constexpr FnvConstants kFnv32{2166136261U, 16777619U};
// The low halves of the 64-bit constants. No carry runs downwards, so the low half of FNV-1's
// 64-bit product needs nothing else; fnv1a_64 is 32-bit arithmetic in the originals, too.
constexpr FnvConstants kFnv64Low{0x84222325U, 0x000001b3U};

std::uint32_t fnv1(std::string_view key, FnvConstants constants) {
  std::uint32_t hash = constants.basis;
  for (const char byte : key) {
    hash *= constants.prime;
    hash ^= sign_extended(byte);
  }
  return hash;
}

std::uint32_t fnv1a(std::string_view key, FnvConstants constants) {
  std::uint32_t hash = constants.basis;
  for (const char byte : key) {
    hash ^= sign_extended(byte);
    hash *= constants.prime;
  }
  return hash;
}

// --- CRC -----------------------------------------------------------------------------------------

constexpr std::array<std::uint32_t, 256> make_crc32_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> make_crc16_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021U : 0U);
    table[i] = crc & 0xffff;
  }
  return table;
}

constexpr auto kCrc32Table = make_crc32_table();
constexpr auto kCrc16Table = make_crc16_table();

std::uint32_t crc32(std::string_view key) {
  std::uint32_t crc = ~0U;
  for (const char byte : key) {
    crc = (crc >> 8) ^ kCrc32Table[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
  }
  return ~crc;
}

std::uint32_t crc16(std::string_view key) {
  std::uint32_t crc = 0;
  for (const char byte : key) {
    crc = (crc << 8) ^ kCrc16Table[((crc >> 8) ^ static_cast<std::uint8_t>(byte)) & 0xff];
  }
  return crc;  // not cut to 16 bits, as in twemproxy
}

// --- The mixers ----------------------------------------------------------------------------------

std::uint32_t one_at_a_time(std::string_view key) {
  std::uint32_t hash = 0;
  for (const char byte : key) {
    hash += sign_extended(byte);
    hash += hash << 10;
    hash ^= hash >> 6;
  }
  hash += hash << 3;
  hash ^= hash >> 11;
  hash += hash << 15;
  return hash;
}

std::uint32_t hsieh(std::string_view key) {
  if (key.empty()) return 0;
  const std::uint8_t* bytes = bytes_of(key);
  std::uint32_t hash = 0;
  for (std::size_t left = key.size() / 4; left > 0; --left, bytes += 4) {
    hash += load_le16(bytes);
    hash = (hash << 16) ^ ((load_le16(bytes + 2) << 11) ^ hash);
    hash += hash >> 11;
  }
  switch (key.size() % 4) {
    case 3:
      hash += load_le16(bytes);
      hash ^= hash << 16;
      hash ^= sign_extended(key.back()) << 18;
      hash += hash >> 11;
      break;
    case 2:
      hash += load_le16(bytes);
      hash ^= hash << 11;
      hash += hash >> 17;
      break;
    case 1:
      hash += bytes[0];
      hash ^= hash << 10;
      hash += hash >> 1;
      break;
    default:
      break;
  }
  hash ^= hash << 3;
  hash += hash >> 5;
  hash ^= hash << 4;
  hash += hash >> 17;
  hash ^= hash << 25;
  hash += hash >> 6;
  return hash;
}

std::uint32_t murmur(std::string_view key) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  const auto length = static_cast<std::uint32_t>(key.size());
  std::uint32_t hash = (0xdeadbeefU * length) ^ length;
  const std::uint8_t* bytes = bytes_of(key);
  std::size_t left = key.size();
  for (; left >= 4; left -= 4, bytes += 4) {
    std::uint32_t block = load_le32(bytes) * kMultiplier;
    block ^= block >> 24;
    hash = (hash * kMultiplier) ^ (block * kMultiplier);
  }
  if (left > 0) hash = (hash ^ load_le(bytes, left)) * kMultiplier;
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

// Bob Jenkins' lookup3, hashlittle(): http://burtleburtle.net/bob/c/lookup3.c
struct Lookup3 {
  std::uint32_t a, b, c;

  void add(const std::uint8_t* block) {
    a += load_le32(block);
    b += load_le32(block + 4);
    c += load_le32(block + 8);
  }
  void mix() {
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }
  void finish() {
    c ^= b, c -= std::rotl(b, 14);
    a ^= c, a -= std::rotl(c, 11);
    b ^= a, b -= std::rotl(a, 25);
    c ^= b, c -= std::rotl(b, 16);
    a ^= c, a -= std::rotl(c, 4);
    b ^= a, b -= std::rotl(a, 14);
    c ^= b, c -= std::rotl(b, 24);
  }
};

std::uint32_t jenkins(std::string_view key) {
  constexpr std::uint32_t kInitval = 13;
  constexpr std::size_t kBlockBytes = 12;
  const std::uint32_t start = 0xdeadbeefU + static_cast<std::uint32_t>(key.size()) + kInitval;
  if (key.empty()) return start;
  Lookup3 state{start, start, start};
  const std::uint8_t* bytes = bytes_of(key);
  std::size_t left = key.size();
  for (; left > kBlockBytes; left -= kBlockBytes, bytes += kBlockBytes) {
    state.add(bytes);
    state.mix();
  }
  std::array<std::uint8_t, kBlockBytes> last{};  // 1 to 12 bytes, the rest zero
  std::copy_n(bytes, left, last.begin());
  state.add(last.data());
  state.finish();
  return state.c;
}

}  // namespace

std::optional<KeyHash> find_key_hash(std::string_view name) {
  const auto* const found = std::find(kKeyHashNames.begin(), kKeyHashNames.end(), name);
  if (found == kKeyHashNames.end()) return std::nullopt;
  return static_cast<KeyHash>(found - kKeyHashNames.begin());
}

std::uint64_t hash_key_64(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

std::uint32_t hash_key(KeyHash hash, std::string_view key) {
  switch (hash) {
    case KeyHash::kXxh3:
      return static_cast<std::uint32_t>(hash_key_64(key));
    case KeyHash::kMd5:
      return load_le32(md5(key).data());
    case KeyHash::kCrc16:
      return crc16(key);
    case KeyHash::kCrc32:
      return (crc32(key) >> 16) & 0x7fff;
    case KeyHash::kCrc32a:
      return crc32(key);
    case KeyHash::kFnv1_64:
      return fnv1(key, kFnv64Low);
    case KeyHash::kFnv1a_64:
      return fnv1a(key, kFnv64Low);
    case KeyHash::kFnv1_32:
      return fnv1(key, kFnv32);
    case KeyHash::kFnv1a_32:
      return fnv1a(key, kFnv32);
    case KeyHash::kHsieh:
      return hsieh(key);
    case KeyHash::kMurmur:
      return murmur(key);
    case KeyHash::kJenkins:
      return jenkins(key);
    case KeyHash::kOneAtATime:
      return one_at_a_time(key);
  }
  return 0;  // not reached: the switch names every enumerator
}

std::string_view hashed_part(std::string_view key, std::string_view tag) {
  if (tag.size() != 2) return key;
  const std::size_t open = key.find(tag[0]);
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find(tag[1], open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

}  // namespace ringcache::routing
