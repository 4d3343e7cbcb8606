#include "routing/replica_placement.h"

#include <algorithm>

namespace ringcache::routing {
namespace {

ZoneIndex zone_of(NodeIndex node, std::span<const ZoneIndex> zones) {
  return zones.empty() ? kNoZone : zones[node];
}

}  // namespace

std::size_t place_replicas(std::span<const NodeIndex> order, std::span<const ZoneIndex> zones,
                           std::span<NodeIndex> out) {
  const std::size_t wanted = std::min(order.size(), out.size());
  for (std::size_t count = 0; count < wanted; ++count) {
    const std::span<const NodeIndex> placed = out.first(count);
    std::size_t fewest = wanted;  // more than any zone holds
    for (const NodeIndex node : order) {
      if (std::find(placed.begin(), placed.end(), node) != placed.end()) continue;
      const ZoneIndex zone = zone_of(node, zones);
      const auto held = static_cast<std::size_t>(
          std::count_if(placed.begin(), placed.end(),
                        [&](NodeIndex other) { return zone_of(other, zones) == zone; }));
      if (held >= fewest) continue;
      fewest = held;
      out[count] = node;
      if (fewest == 0) break;
    }
  }
  return wanted;
}

void prefer_zone(std::span<NodeIndex> replicas, std::span<const ZoneIndex> zones,
                 ZoneIndex own_zone) {
  if (zones.empty() || own_zone == kNoZone) return;
  // std::stable_partition would take memory for what it moves.
  auto next = replicas.begin();
  for (auto at = replicas.begin(); at != replicas.end(); ++at) {
    if (zones[*at] != own_zone) continue;
    std::rotate(next, at, at + 1);
    ++next;
  }
}

}  // namespace ringcache::routing
