// Pool: the nodes that serve one part of the keys: its options and the ring made from them.
//
// Immutable: made at start or reload, shared by all workers through shared_ptr, gone when the last
// request that began with it is answered. A reload that leaves a pool alone keeps its Pool.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "routing/pool_options.h"
#include "routing/ring.h"

namespace ringcache::routing {

class Pool {
 public:
  // Builds the ring: tens of milliseconds for the native one. REQUIRES: check_pool() finds no
  // error in the options.
  explicit Pool(PoolOptions options);
  // The same with a ring that was built before. REQUIRES: from equal backends, ring kind and hash.
  Pool(PoolOptions options, Ring ring);

  const PoolOptions& options() const { return options_; }
  const Ring& ring() const { return ring_; }
  const Backend& backend(NodeIndex node) const { return options_.backends[node]; }

  // What the ring takes: the hash of the key, or of the part of it that the hash tag marks.
  std::uint64_t hash(std::string_view key) const {
    return ring_.hash(hashed_part(key, options_.hash_tag));
  }

  // The ring's fingerprint and, where there is one, the hash tag: equal for every proxy that
  // places this pool's keys alike. What the metric ring_hash shows.
  const std::string& ring_hash() const { return ring_hash_; }

 private:
  PoolOptions options_;
  Ring ring_;
  std::string ring_hash_;
};

}  // namespace ringcache::routing
