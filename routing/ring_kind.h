// RingKind: the ways of placing keys on nodes, by the names that the configuration uses.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "routing/key_hash.h"

namespace ringcache::routing {

enum class RingKind : std::uint8_t {
  kRingcache,         // our native weighted ring (ring_native.h)
  kKetama,            // libmemcached's ketama_weighted and twemproxy's ketama (ring_ketama.h)
  kKetamaUnweighted,  // libmemcached's plain consistent distribution (ring_ketama.h)
  kMemcachedProxy,    // memcached's built-in proxy, its default ring (ring_memcached_proxy.h)
  kModula,            // hash modulo nodes in the list's order, libmemcached's (ring_modula.h)
  kModulaTwemproxy,   // the same in the order twemproxy sorts them into (ring_modula.h)
};
inline constexpr std::size_t kRingKindCount =
    static_cast<std::size_t>(RingKind::kModulaTwemproxy) + 1;

inline constexpr std::array<std::string_view, kRingKindCount> kRingKindNames{
    "ringcache", "ketama", "ketama-unweighted", "memcached-proxy", "modula", "modula-twemproxy"};

constexpr std::string_view name(RingKind kind) {
  return kRingKindNames[static_cast<std::size_t>(kind)];
}
std::optional<RingKind> find_ring_kind(std::string_view name);

// The hash a ring uses when the configuration names none: its original's default.
constexpr KeyHash default_hash(RingKind kind) {
  switch (kind) {
    case RingKind::kRingcache:
    case RingKind::kMemcachedProxy:
      return KeyHash::kXxh3;
    case RingKind::kKetama:
      return KeyHash::kMd5;
    case RingKind::kKetamaUnweighted:
      return KeyHash::kOneAtATime;
    case RingKind::kModula:
    case RingKind::kModulaTwemproxy:
      return KeyHash::kFnv1a_64;
  }
  return KeyHash::kXxh3;
}

}  // namespace ringcache::routing
