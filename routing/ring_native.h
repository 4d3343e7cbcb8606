// NativeRing: our own weighted ring.
//
// The hash space is cut into 2^20 equal slots, and every slot is auctioned by itself: a node bids
// for it with the pseudo-random turn at which its permutation (seeded by the node's name) visits
// the slot. The turn is made into a time that is distributed exponentially and divided by the
// node's weight; the earliest bid owns the slot. This is weighted rendezvous hashing, so
//
//   - a node's bid depends on its own name and weight alone. Adding, removing or draining a node,
//     or changing its weight, moves keys only to it or from it; the order of the list and the
//     addresses mean nothing;
//   - a node's share is its weight's share (-ln(u)/w is the smallest with probability w / sum of
//     w), with a relative deviation of about sqrt(nodes / 2^21): 0.2 % for 10 equal nodes, 0.7 %
//     for 100, 2.2 % for 1000. The draw of turns without repetition is why it is 2^21 and not 2^20;
//   - the second bid of a slot is its owner should the first node go, the third after that, and so
//     on. The keys of a lost node spread over all others by weight.
//
// The result is one table: a lookup is a shift and a read, at any number of nodes. It is 2 MiB a
// ring. Shares below 2^-20 of the whole round to no slot at all; check_pool() reports such a node.
//
// Building visits each node's turns in order of time until few slots are free, then decides the
// rest one by one: about 2^20 * (1 + ln nodes) steps, some 10 to 60 ms. All arithmetic is
// on integers, so that every machine builds the same table.
//
// Immutable after construction: any thread, no lock.
//
// Sources: rendezvous hashing (Thaler, Ravishankar 1996), its weighted form (Schindelhauer,
// Schomaker 2005); the table as in Maglev (Eisenbud et al. 2016), which is not exact about minimal
// movement because nodes there take turns until each has its share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/backend.h"
#include "routing/slot_permutation.h"

namespace ringcache::routing {

class NativeRing {
 public:
  // Draining backends bid for nothing. REQUIRES: names are unique, weights 1 to kWeightMax.
  explicit NativeRing(std::span<const Backend> backends);

  // The slot of a 64-bit key hash: its upper bits. (The node's store must place by others, or the
  // keys of one node would crowd into a few of its shards.)
  static std::uint32_t slot_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> (64 - kSlotBits));
  }

  // The owner of a hash; kNoNode when every backend is draining.
  NodeIndex owner(std::uint64_t hash) const { return slots_[slot_of(hash)]; }

  // The owner and then the next bidders, as many as fit into `out`; returns how many. Asks every
  // node for its bid: about 5 ns a node, so only for keys whose owner is out.
  std::size_t candidates(std::uint64_t hash, std::span<NodeIndex> out) const;

  // The owner of every slot.
  std::span<const NodeIndex> slots() const { return slots_; }

 private:
  struct Bidder {
    SlotPermutation permutation;
    std::uint64_t seed;  // of the permutation; orders bidders where bids are equal
    std::uint32_t weight;
    NodeIndex node;
  };
  struct Bid;
  class Auction;

  Bid bid(std::size_t bidder, std::uint32_t slot) const;

  std::vector<Bidder> bidders_;  // by seed, then by name, so that their order is not the list's
  std::vector<NodeIndex> slots_;
};

}  // namespace ringcache::routing
