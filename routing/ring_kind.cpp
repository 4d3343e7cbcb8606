#include "routing/ring_kind.h"

#include <algorithm>

namespace ringcache::routing {

std::optional<RingKind> find_ring_kind(std::string_view name) {
  const auto* const found = std::find(kRingKindNames.begin(), kRingKindNames.end(), name);
  if (found == kRingKindNames.end()) return std::nullopt;
  return static_cast<RingKind>(found - kRingKindNames.begin());
}

}  // namespace ringcache::routing
