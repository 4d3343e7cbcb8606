// Ring: places hashes on the nodes of one pool. One class over the kinds of ring_kind.h.
//
// Built once from the backends, immutable after that: any thread, no lock, no allocation in a
// lookup. A node is the index of its backend in the list the ring was built from.
//
// Lookup in two steps, so that a hash can be computed ahead, kept in a plan and used again:
//
//   const std::uint64_t hash = ring.hash(hashed_part(key, tag));
//   const NodeIndex owner = ring.owner(hash);
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "routing/backend.h"
#include "routing/key_hash.h"
#include "routing/point_ring.h"
#include "routing/ring_kind.h"
#include "routing/ring_modula.h"
#include "routing/ring_native.h"

namespace ringcache::routing {

class Ring {
 public:
  // REQUIRES: backends that check_pool() finds no error in; `hash` is xxh3 for the native ring.
  Ring(RingKind kind, KeyHash hash, std::span<const Backend> backends);

  // What owner() and candidates() take: 64 bits for the native ring, else 32.
  std::uint64_t hash(std::string_view hashed_part) const {
    if (kind_ == RingKind::kRingcache) return hash_key_64(hashed_part);
    return hash_key(hash_, hashed_part);
  }

  // The node that a hash belongs to; kNoNode when every backend is draining (or there is none).
  NodeIndex owner(std::uint64_t hash) const {
    if (const auto* native = std::get_if<NativeRing>(&impl_)) return native->owner(hash);
    const auto hash32 = static_cast<std::uint32_t>(hash);
    if (const auto* points = std::get_if<PointRing>(&impl_)) return points->owner(hash32);
    return std::get_if<ModulaRing>(&impl_)->owner(hash32);
  }

  // The owner and after it the nodes that stand in for it, in order, each once, as many as fit
  // into `out`; returns how many. The order is the key's own, so that the keys of a lost node
  // spread over the others, and is the same in every process. Nodes that own nothing do not
  // appear. Costs more than owner(), up to some nanoseconds a node.
  std::size_t candidates(std::uint64_t hash, std::span<NodeIndex> out) const;

  RingKind kind() const { return kind_; }
  KeyHash key_hash() const { return hash_; }

  // Number of backends the ring was built from, draining ones included.
  std::size_t node_count() const { return names_.size(); }
  const std::string& node_name(NodeIndex node) const { return names_[node]; }

  // Each node's share of the hash space, by index; they add up to 1 (or are all 0). What share of
  // the *keys* a node gets is the same as far as the hash spreads keys evenly.
  const std::vector<double>& shares() const { return shares_; }

  // 16 hex digits, equal for equal placement: same kind, same hash, every hash value on a node of
  // the same name. Weights, addresses and, for the native ring, the order of the list matter only
  // as far as they place.
  const std::string& fingerprint() const { return fingerprint_; }

  // The structures themselves, for comparing rings: one of the three is not null.
  const NativeRing* native() const { return std::get_if<NativeRing>(&impl_); }
  const PointRing* points() const { return std::get_if<PointRing>(&impl_); }
  const ModulaRing* modula() const { return std::get_if<ModulaRing>(&impl_); }

 private:
  using Impl = std::variant<NativeRing, PointRing, ModulaRing>;
  static Impl build(RingKind kind, KeyHash hash, std::span<const Backend> backends);
  std::vector<double> compute_shares() const;
  std::string compute_fingerprint() const;

  RingKind kind_;
  KeyHash hash_;
  Impl impl_;
  std::vector<std::string> names_;
  std::vector<double> shares_;
  std::string fingerprint_;
};

// How many different values the hash has: 2^15 for crc32, 2^32 for the rest.
std::uint64_t hash_range(KeyHash hash);

}  // namespace ringcache::routing
