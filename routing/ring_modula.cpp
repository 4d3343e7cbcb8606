#include "routing/ring_modula.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "routing/key_hash.h"
#include "routing/ranking.h"
#include "routing/ring_ketama.h"

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

// As ketama_name(), but for the UNIX socket that they call differently.
std::string twemproxy_name(const Backend& backend) {
  if (!backend.named && backend.is_unix()) return backend.unix_path + ":";
  return ketama_name(backend);
}

}  // namespace

std::vector<NodeIndex> modula_order(std::span<const Backend> backends, ModulaOrder order) {
  std::vector<NodeIndex> indices(backends.size());
  std::iota(indices.begin(), indices.end(), NodeIndex{0});
  if (order == ModulaOrder::kAsListed) return indices;
  std::vector<std::string> names;
  for (const Backend& backend : backends) names.push_back(twemproxy_name(backend));
  std::stable_sort(indices.begin(), indices.end(), [&](NodeIndex a, NodeIndex b) {
    if (names[a].size() != names[b].size()) return names[a].size() < names[b].size();
    return names[a] < names[b];
  });
  return indices;
}

ModulaRing::ModulaRing(std::span<const Backend> backends, ModulaOrder order) {
  for (const NodeIndex index : modula_order(backends, order)) {
    const Backend& backend = backends[index];
    if (backend.drain) continue;
    slots_.insert(slots_.end(), backend.weight, index);
    nodes_.push_back({.seed = hash_key_64(backend.name), .index = index});
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
