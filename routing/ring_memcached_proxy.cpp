#include "routing/ring_memcached_proxy.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "routing/key_hash.h"

namespace ringcache::routing {
namespace {

constexpr std::uint32_t kPointsPerNode = 160;

std::string ring_name(const Backend& backend) {
  if (backend.named) return backend.name;
  if (backend.is_unix()) return backend.unix_path + ":0";
  return backend.host + ":" + std::to_string(backend.port);
}

}  // namespace

std::vector<RingPoint> memcached_proxy_points(std::span<const Backend> backends) {
  std::vector<RingPoint> points;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    if (backends[i].drain) continue;
    const std::string prefix = ring_name(backends[i]) + "-";
    for (std::uint32_t k = 0; k < kPointsPerNode; ++k) {
      const std::uint32_t value = hash_key(KeyHash::kXxh3, prefix + std::to_string(k));
      points.push_back({.value = value, .node = static_cast<NodeIndex>(i)});
    }
  }
  return points;
}

}  // namespace ringcache::routing
