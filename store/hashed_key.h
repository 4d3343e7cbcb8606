// A key and its 64-bit hash, computed once a request and carried along.
//
// The hash is the store's own: seeded, and unrelated to the hashes of routing/, because the keys of
// one node are exactly those whose routing hash falls on it, and a related hash would crowd them
// into a few buckets. Pure function, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringcache::store {

inline constexpr std::size_t kKeyBytesMax = 250;  // protocol.txt, "Keys"

struct HashedKey {
  std::string_view bytes;  // 1 to kKeyBytesMax bytes of any value
  std::uint64_t hash;
};

// 64 well-mixed bits of `bytes` under `seed`. Not cryptographic: with a secret seed a client cannot
// cheaply aim at one bucket. Buckets are bounded in any case only by memory, so use a random seed.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed);

}  // namespace ringcache::store
