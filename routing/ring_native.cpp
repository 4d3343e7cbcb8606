#include "routing/ring_native.h"

#include <algorithm>
#include <array>
#include <limits>
#include <queue>

#include "routing/key_hash.h"
#include "routing/ranking.h"

namespace ringcache::routing {
namespace {

// time_of(turn): when a node of weight 1 comes to its turn, in units of 2^-58. The k-th of M
// exponential draws is expected at 1/M + 1/(M-1) + ... + 1/(M-k+1); here that sum is taken as
// constant over 256 turns, which keeps its table in the cache and it strictly rising.
constexpr unsigned kTurnsPerSegmentBits = 8;
constexpr std::uint32_t kTurnsPerSegment = 1U << kTurnsPerSegmentBits;
constexpr std::uint64_t kTimeOne = std::uint64_t{1} << 58;

struct Segment {
  std::uint64_t start;
  std::uint64_t per_turn;
};

constexpr auto make_segments() {
  std::array<Segment, kSlotCount / kTurnsPerSegment> segments{};
  std::uint64_t start = 0;
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    const std::uint32_t middle = i * kTurnsPerSegment + kTurnsPerSegment / 2;
    segments[i] = {.start = start, .per_turn = kTimeOne / (kSlotCount - middle)};
    start += kTurnsPerSegment * segments[i].per_turn;
  }
  return segments;
}
constexpr auto kSegments = make_segments();
static_assert(kSegments.back().start + kTurnsPerSegment * kSegments.back().per_turn <
                  std::numeric_limits<std::uint64_t>::max() / 4,
              "times must not overflow");
static_assert(kSegments.front().per_turn / kWeightMax > 1000,
              "a turn of the heaviest node must still be a difference in time");

std::uint64_t time_of(std::uint32_t turn, std::uint32_t weight) {
  const Segment& segment = kSegments[turn >> kTurnsPerSegmentBits];
  const std::uint64_t time =
      segment.start + ((turn & (kTurnsPerSegment - 1)) + 1) * segment.per_turn;
  return weight == 1 ? time : time / weight;
}

}  // namespace

struct NativeRing::Bid {
  std::uint64_t time;
  std::uint32_t weight;
  std::uint32_t bidder;
  NodeIndex node;

  bool operator<(const Bid& other) const {
    if (time != other.time) return time < other.time;
    if (weight != other.weight) return weight > other.weight;
    return bidder < other.bidder;
  }
};

NativeRing::Bid NativeRing::bid(std::size_t bidder, std::uint32_t slot) const {
  const Bidder& who = bidders_[bidder];
  return {.time = time_of(who.permutation.turn_of(slot), who.weight),
          .weight = who.weight,
          .bidder = static_cast<std::uint32_t>(bidder),
          .node = who.node};
}

// Fills the table with the earliest bid of every slot: first by walking the turns of all bidders in
// the order of Bid, where the first to come to a slot has it; and when most slots are gone and most
// turns are in vain, by comparing all bids for each slot that is left.
class NativeRing::Auction {
 public:
  explicit Auction(NativeRing& ring) : ring_(ring), free_slots_(kSlotCount) {
    ring_.slots_.assign(kSlotCount, kNoNode);
  }

  void run() {
    if (ring_.bidders_.empty()) return;
    walk();
    decide_the_rest();
  }

 private:
  // Bidders of one weight come to their turns at the same times.
  struct Group {
    std::uint32_t weight;
    std::vector<const Bidder*> bidders;  // in the order of bidders_
    std::uint32_t turn = 0;
    std::uint64_t time = 0;
  };

  std::vector<Group> groups() const {
    std::vector<Group> groups;
    for (const Bidder& bidder : ring_.bidders_) {
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const Group& g) { return g.weight == bidder.weight; });
      if (group == groups.end()) {
        group = groups.insert(group, Group{.weight = bidder.weight,
                                           .bidders = {},
                                           .turn = 0,
                                           .time = time_of(0, bidder.weight)});
      }
      group->bidders.push_back(&bidder);
    }
    return groups;
  }

  void walk() {
    std::vector<Group> all = groups();
    const auto later = [](const Group* a, const Group* b) {
      return a->time != b->time ? a->time > b->time : a->weight < b->weight;
    };
    std::priority_queue<Group*, std::vector<Group*>, decltype(later)> queue(later);
    for (Group& group : all) queue.push(&group);
    while (!queue.empty() && free_slots_ * ring_.bidders_.size() > kSlotCount) {
      Group* group = queue.top();
      queue.pop();
      take_turn(*group);
      if (++group->turn == kSlotCount) continue;  // has asked for every slot
      group->time = time_of(group->turn, group->weight);
      queue.push(group);
    }
  }

  void take_turn(const Group& group) {
    for (const Bidder* bidder : group.bidders) {
      NodeIndex& owner = ring_.slots_[bidder->permutation.slot_at(group.turn)];
      if (owner != kNoNode) continue;
      owner = bidder->node;
      --free_slots_;
    }
  }

  void decide_the_rest() {
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
      if (ring_.slots_[slot] != kNoNode) continue;
      Bid best = ring_.bid(0, slot);
      for (std::size_t i = 1; i < ring_.bidders_.size(); ++i) {
        best = std::min(best, ring_.bid(i, slot));
      }
      ring_.slots_[slot] = best.node;
    }
  }

  NativeRing& ring_;
  std::size_t free_slots_;
};

NativeRing::NativeRing(std::span<const Backend> backends) {
  for (std::size_t i = 0; i < backends.size(); ++i) {
    if (backends[i].drain) continue;
    const std::uint64_t seed = hash_key_64(backends[i].name);
    bidders_.push_back({.permutation = SlotPermutation(seed),
                        .seed = seed,
                        .weight = backends[i].weight,
                        .node = static_cast<NodeIndex>(i)});
  }
  std::sort(bidders_.begin(), bidders_.end(), [&](const Bidder& a, const Bidder& b) {
    return a.seed != b.seed ? a.seed < b.seed : backends[a.node].name < backends[b.node].name;
  });
  Auction(*this).run();
}

std::size_t NativeRing::candidates(std::uint64_t hash, std::span<NodeIndex> out) const {
  const std::uint32_t slot = slot_of(hash);
  return rank_nodes<Bid>(
      bidders_.size(), [&](std::size_t i) { return bid(i, slot); }, out);
}

}  // namespace ringcache::routing
