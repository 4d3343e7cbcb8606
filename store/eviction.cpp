#include "store/eviction.h"

#include "store/hit_density.h"
#include "store/item_lists.h"
#include "store/segmented_lru.h"

namespace ringcache::store {
namespace {

struct Named {
  EvictionKind kind;
  std::string_view name;
};

constexpr std::array kNames{Named{EvictionKind::kHitDensity, "hit-density"},
                            Named{EvictionKind::kSegmentedLru, "segmented-lru"}};

}  // namespace

std::string_view eviction_name(EvictionKind kind) {
  for (const Named& row : kNames) {
    if (row.kind == kind) return row.name;
  }
  return {};
}

std::optional<EvictionKind> eviction_kind(std::string_view name) {
  for (const Named& row : kNames) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

std::size_t eviction_link_bytes(EvictionKind kind) {
  return kind == EvictionKind::kSegmentedLru ? kLinkBytes : 0;
}

std::unique_ptr<EvictionPolicy> make_eviction_policy(const EvictionContext& context,
                                                     ClassIndex slab_class) {
  if (context.options.eviction == EvictionKind::kSegmentedLru) {
    return std::make_unique<SegmentedLru>(context);
  }
  return std::make_unique<HitDensity>(context, slab_class);
}

}  // namespace ringcache::store
