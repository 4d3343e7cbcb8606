// The hash functions that placement depends on.
//
// Every function here must give the same 32 bits as the program whose ring it stands for, for ever:
// a changed bit sends keys to other nodes and a warm cache goes cold. All are pure, bounded by the
// key's length, allocate nothing, and may be called from any thread.
//
// Sources: libhashkit of libmemcached 1.1 and src/hashkit of twemproxy 0.5, which agree on every
// name they share when a `char` is signed, as on x86: several of the functions sign-extend bytes
// of 0x80 and above, and so do ours, on every machine. Only memcached's proxy has xxh3. The quirks:
//
//   name           who has it               what it really is
//   xxh3           memcached's proxy, ours  low 32 bits of XXH3_64bits, seed 0
//   md5            both                     little-endian u32 of the digest's first 4 bytes
//   crc16          twemproxy                CRC-16/XMODEM in a 32-bit register that is never cut
//                                           to 16 bits, so its upper half is older state
//   crc32          both                     (CRC-32 >> 16) & 0x7fff: 15 bits
//   crc32a         twemproxy                the whole CRC-32 (zlib's)
//   fnv1_64        both                     low 32 bits of 64-bit FNV-1, bytes sign-extended
//   fnv1a_64       both                     32-bit arithmetic on the low halves of the 64-bit
//                                           constants, bytes sign-extended
//   fnv1_32        both                     FNV-1, bytes sign-extended
//   fnv1a_32       both                     FNV-1a, bytes sign-extended
//   hsieh          both (*)                 SuperFastHash; the empty key gives 0
//   murmur         both                     MurmurHash2, seed 0xdeadbeef * length
//   jenkins        both                     lookup3 hashlittle, initval 13
//   one_at_a_time  both                     Jenkins' one-at-a-time, bytes sign-extended
//   (*) libmemcached only when built with it; Debian's is not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringcache::routing {

enum class KeyHash : std::uint8_t {
  kXxh3,
  kMd5,
  kCrc16,
  kCrc32,
  kCrc32a,
  kFnv1_64,
  kFnv1a_64,
  kFnv1_32,
  kFnv1a_32,
  kHsieh,
  kMurmur,
  kJenkins,
  kOneAtATime,
};
inline constexpr std::size_t kKeyHashCount = static_cast<std::size_t>(KeyHash::kOneAtATime) + 1;

// The names the configuration uses, in the order of the enum.
inline constexpr std::array<std::string_view, kKeyHashCount> kKeyHashNames{
    "xxh3",    "md5",      "crc16", "crc32",  "crc32a",  "fnv1_64",      "fnv1a_64",
    "fnv1_32", "fnv1a_32", "hsieh", "murmur", "jenkins", "one_at_a_time"};

constexpr std::string_view name(KeyHash hash) {
  return kKeyHashNames[static_cast<std::size_t>(hash)];
}
// The hash of that name (case-sensitive), or nothing.
std::optional<KeyHash> find_key_hash(std::string_view name);

// 32 bits of `key`, as the table above says. The key may hold any bytes and may be empty.
std::uint32_t hash_key(KeyHash hash, std::string_view key);

// All 64 bits of XXH3_64bits with seed 0: what the native ring places by.
std::uint64_t hash_key_64(std::string_view key);

// The part of `key` that is hashed. `tag` is empty (the whole key) or two bytes: the text between
// the first tag[0] and the next tag[1] after it, unless that text is empty or a byte is missing,
// which again means the whole key. As in twemproxy; the two bytes may be equal.
std::string_view hashed_part(std::string_view key, std::string_view tag);

}  // namespace ringcache::routing
