#include "routing/ring_change.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <string_view>

namespace ringcache::routing {
namespace {

constexpr std::uint64_t kSamples = std::uint64_t{1} << 20;
constexpr std::uint64_t kPeriodMax = std::uint64_t{1} << 24;

// Adds up pieces of the hash space by the owner before and the owner after.
class Tally {
 public:
  Tally(const Ring& before, const Ring& after) {
    for (const Ring* ring : {&before, &after}) {
      for (std::size_t i = 0; i < ring->node_count(); ++i) {
        ids_.emplace(ring->node_name(static_cast<NodeIndex>(i)), 0);
      }
    }
    std::size_t next_id = 0;
    for (auto& [name, id] : ids_) id = next_id++;
    nodes_.resize(ids_.size());
    for (const auto& [name, id] : ids_) nodes_[id].name = name;
    before_ids_ = ids_of(before);
    after_ids_ = ids_of(after);
  }

  // `weight` of the space belonged to `before` and now belongs to `after`; either may be kNoNode.
  void add(NodeIndex before, NodeIndex after, double weight) {
    total_ += weight;
    const std::size_t from = before == kNoNode ? kNobody : before_ids_[before];
    const std::size_t to = after == kNoNode ? kNobody : after_ids_[after];
    if (from != kNobody) nodes_[from].share_before += weight;
    if (to != kNobody) nodes_[to].share_after += weight;
    if (from == to) return;
    moved_ += weight;
    if (from != kNobody) nodes_[from].lost += weight;
    if (to != kNobody) nodes_[to].gained += weight;
  }

  RingChange result(bool exact) && {
    RingChange change{.moved = moved_ / total_, .exact = exact, .nodes = std::move(nodes_)};
    for (NodeChange& node : change.nodes) {
      node.share_before /= total_;
      node.share_after /= total_;
      node.lost /= total_;
      node.gained /= total_;
    }
    return change;
  }

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  std::vector<std::size_t> ids_of(const Ring& ring) const {
    std::vector<std::size_t> ids;
    for (std::size_t i = 0; i < ring.node_count(); ++i) {
      ids.push_back(ids_.at(ring.node_name(static_cast<NodeIndex>(i))));
    }
    return ids;
  }

  std::map<std::string, std::size_t> ids_;
  std::vector<std::size_t> before_ids_;
  std::vector<std::size_t> after_ids_;
  std::vector<NodeChange> nodes_;
  double moved_ = 0;
  double total_ = 0;
};

void walk_slots(const NativeRing& before, const NativeRing& after, Tally& tally) {
  for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
    tally.add(before.slots()[slot], after.slots()[slot], 1);
  }
}

// The owner of the arc that starts at `hash`, and where it ends (exclusive).
struct Arc {
  NodeIndex node;
  std::uint64_t end;
};
Arc arc_at(std::span<const RingPoint> points, std::size_t& next, std::uint64_t hash,
           std::uint64_t range) {
  while (next < points.size() && points[next].value < hash) ++next;
  if (points.empty()) return {kNoNode, range};
  if (next == points.size()) return {points.front().node, range};
  return {points[next].node, std::min(std::uint64_t{points[next].value} + 1, range)};
}

void walk_arcs(const PointRing& before, const PointRing& after, std::uint64_t range, Tally& tally) {
  std::size_t next_before = 0;
  std::size_t next_after = 0;
  for (std::uint64_t hash = 0; hash < range;) {
    const Arc old_arc = arc_at(before.points(), next_before, hash, range);
    const Arc new_arc = arc_at(after.points(), next_after, hash, range);
    const std::uint64_t end = std::min(old_arc.end, new_arc.end);
    tally.add(old_arc.node, new_arc.node, static_cast<double>(end - hash));
    hash = end;
  }
}

// Each pair of residues comes up once in a period, and the range is all but a multiple of it.
std::uint64_t modula_period(const ModulaRing& before, const ModulaRing& after) {
  return std::lcm(std::max<std::uint64_t>(before.slots().size(), 1),
                  std::max<std::uint64_t>(after.slots().size(), 1));
}

void walk_residues(const ModulaRing& before, const ModulaRing& after, std::uint64_t period,
                   Tally& tally) {
  for (std::uint64_t hash = 0; hash < period; ++hash) {
    const auto hash32 = static_cast<std::uint32_t>(hash);
    tally.add(before.owner(hash32), after.owner(hash32), 1);
  }
}

void sample_keys(const Ring& before, const Ring& after, Tally& tally) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, 16> key;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    // An odd constant makes distinct keys whose digits all vary.
    const std::uint64_t bits = (i + 1) * 0x9e3779b97f4a7c15;
    for (std::size_t digit = 0; digit < key.size(); ++digit) {
      key[digit] = kDigits[(bits >> (4 * digit)) & 0xf];
    }
    const std::string_view text(key.data(), key.size());
    tally.add(before.owner(before.hash(text)), after.owner(after.hash(text)), 1);
  }
}

}  // namespace

RingChange compare_rings(const Ring& before, const Ring& after) {
  Tally tally(before, after);
  const bool same_hash = before.key_hash() == after.key_hash();
  if (before.native() != nullptr && after.native() != nullptr) {
    walk_slots(*before.native(), *after.native(), tally);
    return std::move(tally).result(true);
  }
  if (same_hash && before.points() != nullptr && after.points() != nullptr) {
    walk_arcs(*before.points(), *after.points(), hash_range(before.key_hash()), tally);
    return std::move(tally).result(true);
  }
  if (same_hash && before.modula() != nullptr && after.modula() != nullptr) {
    const std::uint64_t range = hash_range(before.key_hash());
    const std::uint64_t period =
        range <= kPeriodMax ? range : modula_period(*before.modula(), *after.modula());
    if (period <= kPeriodMax) {
      walk_residues(*before.modula(), *after.modula(), period, tally);
      return std::move(tally).result(true);
    }
  }
  sample_keys(before, after, tally);
  return std::move(tally).result(false);
}

double remapped_ratio(const Ring& before, const Ring& after) {
  return compare_rings(before, after).moved;
}

}  // namespace ringcache::routing
