// NearCache: for a moment, a worker answers a hot key's gets itself (the pool's option
// `near_cache`).
//
//   get k -> find(): here? --yes--> answered without a node, for at most `ttl`
//              |no
//              +-> hot: reserve() a place -> sent to the node -> fill() with its answer
//
// A key is hot while the worker is asked for it kHotGets times a second; other keys cost a look at
// a place and at a counter. Each place is for one key; when two hot keys meet in one, the later has
// it.
//
// The promise: a get never sees an older value because of it than what was written through this
// process and acknowledged before. A value is kept only if no write to its key, and no flush_all,
// was under way when its get was sent, and answers only while none was begun since
// (write_epochs.h). What is written past this process may be missed for `ttl` from when the get was
// sent, at most kNearTtlMax; so may an item's expiry, and a flush_all that takes effect later.
//
// Memory: for each pool `bytes`, divided among the workers: keys, values and kEntryBytes for each.
// A value of more than an eighth of a worker's share is not kept.
//
// Only `get` of one key. Owned by the worker, touched by its thread only. A place's memory is kept
// for the next value, so a hit allocates nothing, and a fill only when values grow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/clock.h"
#include "net/counter.h"
#include "proxy/write_epochs.h"
#include "routing/route_plan.h"

namespace ringcache::proxy {

class NearCache {
 public:
  static constexpr std::size_t kPlaces = 1024;
  static constexpr std::size_t kSeenKeys = 4096;
  static constexpr std::uint16_t kHotGets = 16;
  // What an entry is counted for beside its key and its reply.
  static constexpr std::size_t kEntryBytes = 128;
  static constexpr std::size_t kValueShare = 8;

  // What one worker keeps for one pool.
  struct Share {
    std::uint64_t bytes_max = 0;  // 0: nothing is kept
    net::SteadyNs ttl_ns = 0;
    net::Counter* bytes = nullptr;  // a gauge of what is kept
  };

  // A get, as far as this goes. `epoch` is the key's, read before.
  struct Get {
    routing::PoolIndex pool;
    std::string_view key;
    std::size_t key_hash;
    WriteEpochs::Epoch epoch;
    net::SteadyNs now;
  };
  // Where an answer goes; number 0: nowhere.
  struct Ticket {
    std::uint32_t place = 0;
    std::uint32_t number = 0;
  };

  // Forgets all: keys may have another owner. By PoolIndex.
  void use(std::vector<Share> shares);
  bool keeps(routing::PoolIndex pool) const { return shares_[pool].bytes_max > 0; }

  struct Found {
    std::string_view reply;  // whole, with its END, good until the next call; or nothing
    bool hot = false;
  };
  // Counts the get, too.
  Found find(const Get& get);
  // A place for a hot key's answer, unless one is awaited already. REQUIRES that no write to the
  // key was under way at `epoch`, and that the get is sent afterwards.
  Ticket reserve(const Get& get);
  // `value` is the VALUE line with its data block. Nothing if the place was taken meanwhile.
  void fill(Ticket ticket, std::string_view value);

 private:
  struct Place {
    std::uint32_t number = 0;  // of the ticket that it belongs to; 0: empty
    routing::PoolIndex pool = 0;
    bool filled = false;
    std::size_t counted_bytes = 0;
    net::SteadyNs expires = 0;
    WriteEpochs::Epoch epoch;
    std::string key;
    std::string reply;
  };
  // How often a key was asked for in a second. A rarer key that falls into its place is counted
  // against it.
  struct Seen {
    std::uint32_t mark = 0;
    std::uint32_t second = 0;
    std::uint16_t gets = 0;  // in that second, at most kHotGets
    bool was_hot = false;    // in the second before
  };

  static bool is_for(const Place& place, const Get& get);
  bool is_hot(const Get& get);
  void empty(Place& place);
  bool make_room(routing::PoolIndex pool, std::size_t bytes);

  std::vector<Share> shares_;
  std::vector<std::uint64_t> used_;  // bytes, by PoolIndex
  std::uint32_t last_number_ = 0;
  std::size_t hand_ = 0;  // of make_room()
  std::vector<Place> places_;
  std::vector<Seen> seen_;
};

}  // namespace ringcache::proxy
