// Evicts what brings the fewest hits for the memory and time it takes.
//
// An item's waste is  bytes * age / (reads + 1)  - its age since the last access, in ticks of the
// AccessClock, and its reads, both from Item::recency. It is the reciprocal of an estimate of how
// many hits a byte of it will bring. The victim is the most wasteful of some items drawn at random,
// and of the runners-up of earlier draws. So an item needs no links and a hit moves nothing; a
// scan's items, never read, go before any that was; and because bytes count, waste can be compared
// across slab classes, which is what pages are balanced by (rebalance.h).
//
// Sources: Cherkasova, "Improving WWW proxies performance with greedy-dual-size-frequency caching",
// 1998 (what is ranked); Blankstein, Sen, Freedman, "Hyperbolic caching", ATC 2017, and Beckmann,
// Chen, Cidon, "LHD", NSDI 2018 (a decaying rank, estimated on a random sample).
#pragma once

#include <array>
#include <cstdint>

#include "store/eviction.h"

namespace ringcache::store {

// Unit: bytes x ticks. An item that was used in this tick counts half of one.
double waste_of(const Item& item, const EvictionContext& context, Seconds now);

class HitDensity final : public EvictionPolicy {
 public:
  HitDensity(const EvictionContext& context, ClassIndex slab_class);

  void on_insert(Item& item) override;
  void on_remove(Item& item) override;
  void on_move(Item& from, Item& to) override;
  Item* victim(Seconds now) override;
  void refresh(Item& item, Seconds now) override;
  std::size_t maintain(Seconds now, std::size_t budget) override;
  std::array<ListFigures, kListsMax> lists(Seconds now) const override;

 private:
  // Drawn for one victim. More find a worse item, each costs a miss of the TLB and the cache (they
  // overlap).
  static constexpr std::size_t kDraws = 12;
  static constexpr std::size_t kRunnersUp = 4;

  struct Candidate {
    ChunkRef ref = kNoChunk;   // a chunk of the class when it was drawn
    ChunkRef item = kNoChunk;  // whose chunk it was
    double waste = 0;          // when it was looked at last
  };

  std::uint64_t random();
  ChunkRef draw();
  // The item that a chunk of the class belongs to, if it is linked.
  Item* item_at(ChunkRef ref) const;
  // The same of a chunk that was drawn earlier.
  Item* item_of(const Candidate& candidate) const;
  double waste(const Item& item, const AccessClock::Moment& moment) const;
  void consider(ChunkRef ref, const AccessClock::Moment& moment);
  void insert(const Candidate& candidate);
  Item* search() const;

  const EvictionContext context_;
  const ClassIndex class_;
  const std::size_t room_;  // bytes that a chunk has for an item
  std::size_t items_ = 0;
  std::uint64_t random_;
  // The most wasteful first.
  std::array<Candidate, kRunnersUp + 1> best_;
};

}  // namespace ringcache::store
