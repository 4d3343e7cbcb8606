#include "routing/ring_ketama.h"

#include <cmath>
#include <cstddef>

#include "routing/bytes.h"
#include "routing/md5.h"

namespace ringcache::routing {
namespace {

constexpr int kPointsPerNode = 160;
constexpr std::uint32_t kPointsPerDigest = 4;
constexpr std::uint32_t kUnweightedPointsPerNode = 100;

}  // namespace

std::string ketama_name(const Backend& backend) {
  if (backend.named) return backend.name;
  if (backend.is_unix()) return backend.unix_path + ":0";
  if (backend.port == kDefaultPort) return backend.host;
  return backend.host + ":" + std::to_string(backend.port);
}

std::uint32_t ketama_point_count(std::uint32_t weight, std::uint32_t weight_sum,
                                 std::uint32_t node_count) {
  // The order and the widths of these operations are the contract; do not simplify.
  const float share = static_cast<float>(weight) / static_cast<float>(weight_sum);
  const float digests = share * kPointsPerNode / 4 * static_cast<float>(node_count);
  const auto nudged = static_cast<float>(static_cast<double>(digests) + 0.0000000001);
  return static_cast<std::uint32_t>(std::floor(nudged) * 4);
}

std::vector<RingPoint> ketama_points(std::span<const Backend> backends) {
  std::uint32_t weight_sum = 0;
  std::uint32_t node_count = 0;
  for (const Backend& backend : backends) {
    if (backend.drain) continue;
    weight_sum += backend.weight;
    ++node_count;
  }
  std::vector<RingPoint> points;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    if (backends[i].drain) continue;
    const std::string prefix = ketama_name(backends[i]) + "-";
    const std::uint32_t count = ketama_point_count(backends[i].weight, weight_sum, node_count);
    for (std::uint32_t k = 0; k < count / kPointsPerDigest; ++k) {
      const auto digest = md5(prefix + std::to_string(k));
      for (std::size_t word = 0; word < kPointsPerDigest; ++word) {
        points.push_back(
            {.value = load_le32(&digest[4 * word]), .node = static_cast<NodeIndex>(i)});
      }
    }
  }
  return points;
}

std::vector<RingPoint> ketama_unweighted_points(KeyHash hash, std::span<const Backend> backends) {
  std::vector<RingPoint> points;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    if (backends[i].drain) continue;
    const std::string prefix = ketama_name(backends[i]) + "-";
    for (std::uint32_t k = 0; k < kUnweightedPointsPerNode; ++k) {
      const std::uint32_t value = hash_key(hash, prefix + std::to_string(k));
      points.push_back({.value = value, .node = static_cast<NodeIndex>(i)});
    }
  }
  return points;
}

}  // namespace ringcache::routing
