#include "routing/replicas.h"

#include <algorithm>
#include <string>

namespace ringcache::routing {

Replicas::Replicas(const PoolOptions& options, std::string_view own_zone)
    : count_(options.replicas) {
  std::vector<std::string_view> names;
  const auto index_of = [&names](std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return static_cast<ZoneIndex>(found - names.begin());
  };
  for (const Backend& backend : options.backends) {
    if (!backend.zone.empty() && index_of(backend.zone) == names.size()) {
      names.push_back(backend.zone);
    }
  }
  if (names.empty()) return;
  for (const Backend& backend : options.backends) {
    zones_.push_back(backend.zone.empty() ? kNoZone : index_of(backend.zone));
  }
  if (index_of(own_zone) < names.size()) own_zone_ = index_of(own_zone);
}

ReplicaSet Replicas::of(const Ring& ring, std::uint64_t hash) const {
  std::array<NodeIndex, kOrderMax> order;
  const std::size_t found = ring.candidates(hash, order);
  ReplicaSet set;
  set.count = place_replicas({order.data(), found}, zones_, {set.nodes.data(), count_});
  return set;
}

void Replicas::put_near_first(ReplicaSet& set) const {
  prefer_zone(set.all(), zones_, own_zone_);
}

}  // namespace ringcache::routing
