#include "routing/ring_modula.h"

#include "routing/key_hash.h"
#include "routing/ranking.h"

namespace ringcache::routing {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

struct Candidate {
  bool is_owner;
  std::uint64_t score;
  NodeIndex node;

  bool operator<(const Candidate& other) const {
    if (is_owner != other.is_owner) return is_owner;
    return score != other.score ? score < other.score : node < other.node;
  }
};

}  // namespace

ModulaRing::ModulaRing(std::span<const Backend> backends) {
  for (std::size_t i = 0; i < backends.size(); ++i) {
    if (backends[i].drain) continue;
    const auto index = static_cast<NodeIndex>(i);
    slots_.insert(slots_.end(), backends[i].weight, index);
    nodes_.push_back({.seed = hash_key_64(backends[i].name), .index = index});
  }
}

std::size_t ModulaRing::candidates(std::uint32_t hash, std::span<NodeIndex> out) const {
  const NodeIndex first = owner(hash);
  const std::uint64_t key = mix(hash);
  const auto candidate_at = [&](std::size_t i) {
    return Candidate{.is_owner = nodes_[i].index == first,
                     .score = mix(nodes_[i].seed ^ key),
                     .node = nodes_[i].index};
  };
  return rank_nodes<Candidate>(nodes_.size(), candidate_at, out);
}

}  // namespace ringcache::routing
