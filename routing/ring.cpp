#include "routing/ring.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <memory>

#include "routing/ring_ketama.h"
#include "routing/ring_memcached_proxy.h"

namespace ringcache::routing {
namespace {

// A 64-bit digest of integers and texts that does not depend on the machine's byte order.
class Digest {
 public:
  Digest() : state_(XXH3_createState(), XXH3_freeState) { XXH3_64bits_reset(state_.get()); }

  void add(std::uint64_t value, std::size_t bytes) {
    std::array<unsigned char, 8> buffer;
    for (std::size_t i = 0; i < bytes; ++i) {
      buffer[i] = static_cast<unsigned char>(value >> (8 * i));
    }
    XXH3_64bits_update(state_.get(), buffer.data(), bytes);
  }
  void add(std::string_view text) {
    add(text.size(), 8);
    XXH3_64bits_update(state_.get(), text.data(), text.size());
  }
  std::string hex() const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const std::uint64_t value = XXH3_64bits_digest(state_.get());
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(value >> shift) & 0xf];
    return text;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

void count_arcs(std::span<const RingPoint> points, std::uint64_t range,
                std::vector<double>& counts) {
  if (points.empty()) return;
  std::uint64_t start = 0;  // the first hash that is not counted yet
  for (const RingPoint& point : points) {
    const std::uint64_t end = std::min<std::uint64_t>(std::uint64_t{point.value} + 1, range);
    if (end <= start) continue;
    counts[point.node] += static_cast<double>(end - start);
    start = end;
  }
  counts[points.front().node] += static_cast<double>(range - start);
}

void count_residues(std::span<const NodeIndex> slots, std::uint64_t range,
                    std::vector<double>& counts) {
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    const std::uint64_t whole = range / slots.size();
    counts[slots[slot]] += static_cast<double>(whole + (slot < range % slots.size() ? 1 : 0));
  }
}

}  // namespace

std::uint64_t hash_range(KeyHash hash) {
  return hash == KeyHash::kCrc32 ? std::uint64_t{1} << 15 : std::uint64_t{1} << 32;
}

Ring::Impl Ring::build(RingKind kind, KeyHash hash, std::span<const Backend> backends) {
  switch (kind) {
    case RingKind::kRingcache:
      break;
    case RingKind::kKetama:
      return PointRing(ketama_points(backends));
    case RingKind::kKetamaUnweighted:
      return PointRing(ketama_unweighted_points(hash, backends));
    case RingKind::kMemcachedProxy:
      return PointRing(memcached_proxy_points(backends));
    case RingKind::kModula:
      return ModulaRing(backends, ModulaOrder::kAsListed);
    case RingKind::kModulaTwemproxy:
      return ModulaRing(backends, ModulaOrder::kAsTwemproxy);
  }
  return NativeRing(backends);
}

Ring::Ring(RingKind kind, KeyHash hash, std::span<const Backend> backends)
    : kind_(kind), hash_(hash), impl_(build(kind, hash, backends)) {
  for (const Backend& backend : backends) names_.push_back(backend.name);
  shares_ = compute_shares();
  fingerprint_ = compute_fingerprint();
}

std::size_t Ring::candidates(std::uint64_t hash, std::span<NodeIndex> out) const {
  if (const NativeRing* ring = native()) return ring->candidates(hash, out);
  const auto hash32 = static_cast<std::uint32_t>(hash);
  if (const PointRing* ring = points()) return ring->candidates(hash32, out);
  return modula()->candidates(hash32, out);
}

std::vector<double> Ring::compute_shares() const {
  std::vector<double> shares(names_.size(), 0.0);
  if (const NativeRing* ring = native()) {
    for (const NodeIndex node : ring->slots()) {
      if (node != kNoNode) shares[node] += 1;
    }
    for (double& share : shares) share /= kSlotCount;
    return shares;
  }
  const std::uint64_t range = hash_range(hash_);
  if (const PointRing* ring = points()) count_arcs(ring->points(), range, shares);
  if (const ModulaRing* ring = modula()) count_residues(ring->slots(), range, shares);
  for (double& share : shares) share /= static_cast<double>(range);
  return shares;
}

std::string Ring::compute_fingerprint() const {
  // Nodes by name, and those that own something only: who is merely listed places nothing.
  std::vector<NodeIndex> by_name;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (shares_[i] > 0) by_name.push_back(static_cast<NodeIndex>(i));
  }
  std::sort(by_name.begin(), by_name.end(),
            [&](NodeIndex a, NodeIndex b) { return names_[a] < names_[b]; });
  std::vector<std::uint16_t> rank(names_.size(), kNoNode);
  Digest digest;
  digest.add(name(kind_));
  digest.add(name(hash_));
  digest.add(by_name.size(), 8);
  for (std::size_t i = 0; i < by_name.size(); ++i) {
    rank[by_name[i]] = static_cast<std::uint16_t>(i);
    digest.add(names_[by_name[i]]);
  }
  if (by_name.empty()) return digest.hex();
  if (const PointRing* ring = points()) {
    for (const RingPoint& point : ring->points()) {
      digest.add(point.value, 4);
      digest.add(rank[point.node], 2);
    }
    return digest.hex();
  }
  const std::span<const NodeIndex> slots =
      native() != nullptr ? native()->slots() : modula()->slots();
  for (const NodeIndex node : slots) digest.add(rank[node], 2);
  return digest.hex();
}

}  // namespace ringcache::routing
