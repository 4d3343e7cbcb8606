#include "routing/shadow.h"

#include "routing/key_hash.h"

namespace ringcache::routing {

namespace {

// The finaliser of MurmurHash3 (Austin Appleby, public domain), on a value that is not the ring's.
std::uint64_t mix(std::uint64_t hash) {
  hash ^= 0x9e3779b97f4a7c15;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53;
  return hash ^ hash >> 33;
}

}  // namespace

Shadow::Shadow(const ShadowOptions& options, PoolIndex pool)
    : pool_(pool),
      parts_(static_cast<std::uint32_t>(std::uint64_t{kParts} * options.percent / 100)) {}

bool Shadow::takes(std::string_view key) const {
  return mix(hash_key_64(key)) % kParts < parts_;
}

}  // namespace ringcache::routing
