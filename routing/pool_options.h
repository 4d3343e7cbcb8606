// PoolOptions: everything the configuration says about one pool, with the defaults.
//
// The configuration fills it, check_pool() judges it, Pool (pool.h) is made from it. Durations are
// std::chrono; a bare number says its unit in its name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/backend.h"
#include "routing/key_hash.h"
#include "routing/node_access_options.h"
#include "routing/rate_limit_options.h"
#include "routing/ring_kind.h"

namespace ringcache::routing {

// Limits, so that a table of pools has a bounded size.
inline constexpr std::size_t kBackendsMax = 10'000;  // per pool; well below kNoNode
inline constexpr std::size_t kPoolsMax = 1'000;
inline constexpr std::uint32_t kReplicasMax = 3;
inline constexpr std::size_t kPrefixesMax = 10'000;  // per pool
inline constexpr std::uint32_t kConnectionsPerNodeMax = 64;
inline constexpr std::uint32_t kHealthCountMax = 1'000;  // of HealthOptions::fall and rise

struct TimeoutOptions {
  // From connect() to an established connection. Longer means that a black-holed node is noticed
  // later; shorter than a SYN retransmission (1 s) makes a lost packet a failure.
  std::chrono::milliseconds connect{250};
  // From sending a request to the end of its reply. A request that takes longer is a failure; its
  // late reply is recognised and dropped.
  std::chrono::milliseconds request{500};
  // Without a request for so long a connection to a node is closed; the next request opens it. 0 =
  // never.
  std::chrono::milliseconds idle{600'000};
};

struct HealthOptions {
  std::chrono::milliseconds interval{2000};  // between two active probes of a node
  std::chrono::milliseconds timeout{1000};   // a probe without an answer by then has failed
  std::uint32_t fall = 3;                    // failures in a row that take a node out
  std::uint32_t rise = 2;                    // successes in a row that clear it
};

enum class FailoverTo : std::uint8_t { kNext, kNone, kPool };

struct FailoverOptions {
  // Who serves the keys of a node that is out: the next node on the ring, nobody (misses), or the
  // pool named `pool`, by its ring (whose own failover is not followed).
  FailoverTo to = FailoverTo::kNext;
  std::string pool;
  // Longest TTL of what is stored on a stand-in: the bound on how old a value can be that a
  // stand-in still has when the owner is back and gone again.
  std::chrono::seconds max_ttl{60};
  // When more than this share of the nodes looks dead, the fault is probably on our side: stop
  // taking nodes out. 0 to 100.
  std::uint32_t max_ejected_percent = 50;
};

struct HandoffOptions {
  // How long after a change of the ring the old owner is still asked. 0 turns hand-off off.
  std::chrono::seconds window{600};
  // Most keys a second that the background mover copies, over all nodes. Higher ends the hand-off
  // sooner and takes more from the nodes.
  std::uint32_t keys_per_second = 20'000;
};

// Values of hot keys that the proxy keeps for a moment (proxy/near_cache.h).
struct NearCacheOptions {
  // Of the whole process, divided among its workers. 0 turns it off.
  std::uint64_t bytes = 0;
  // How long a value is given without asking its node: so long may what others write past this
  // process be missed.
  std::chrono::milliseconds ttl{100};
};
inline constexpr std::chrono::milliseconds kNearTtlMax{1000};

// A pool that sees copies of this one's requests (shadow.h).
struct ShadowOptions {
  std::string pool;  // its name; empty: none
  // Of the keys: 1 to 100.
  std::uint32_t percent = 100;
};

struct PoolOptions {
  std::string name = "default";
  // Keys that start with one of these belong to the pool; the longest prefix of all pools wins.
  // The one pool without prefixes takes every other key; see pools_for_the_rest().
  std::vector<std::string> prefixes;
  // The nodes. Their order means nothing to the rings, but for `modula`, which places by it.
  std::vector<Backend> backends;
  RingKind ring = RingKind::kRingcache;
  // The key hash; nothing means the ring's own (default_hash()). The native ring takes only xxh3.
  std::optional<KeyHash> hash;
  // Empty, or two bytes: only the part of a key between them is hashed (hashed_part()), so that
  // related keys share a node.
  std::string hash_tag;
  // Accepts a pair of ring and hash that is known to spread keys badly.
  bool allow_skew = false;
  // Nodes that have a copy of each key (replicas.h). 1: its owner alone.
  std::uint32_t replicas = 1;
  // Connections to each node from each worker thread. One keeps a client's requests to a node in
  // order and batches best; more help only when single replies are large.
  std::uint32_t connections_per_node = 1;
  // Whether identical gets in flight share one request to the node. Never older values for it, but
  // a slow answer is slow for all who share it.
  bool coalesce = false;
  NearCacheOptions near_cache;
  RateLimitOptions rate_limit;
  ShadowOptions shadow;
  TimeoutOptions timeouts;
  HealthOptions health;
  FailoverOptions failover;
  HandoffOptions handoff;
  // TLS to the nodes; nothing: none.
  std::optional<NodeTlsOptions> tls;
  // The password that the nodes ask for; nothing: none.
  std::optional<NodeAuthOptions> auth;

  // Whether gets are answered by what depends on the writes through this process.
  bool tracks_writes() const { return coalesce || near_cache.bytes > 0 || replicas > 1; }
  KeyHash key_hash() const { return hash.value_or(default_hash(ring)); }
};

// What check_pool() and check_pools() found. An error makes the configuration unusable; a warning
// is shown and the pool works as it says.
enum class ProblemSeverity : std::uint8_t { kWarning, kError };
struct PoolProblem {
  ProblemSeverity severity;
  // JSON pointer to the field, relative to the pool ("/nodes/2/weight"); the configuration's
  // names, which are those above.
  std::string pointer;
  std::string text;
};

// Judges one pool by itself: duplicate and missing names, weights, limits, a hash that the ring
// cannot take, pairs of ring and hash that skew (an error unless allow_skew, then a warning),
// weights that the ring ignores, nodes that would own nothing. Builds the ring to see, so it costs
// what a reload costs. No error in the list means that Pool can be made.
std::vector<PoolProblem> check_pool(const PoolOptions& options);

// Judges what pools say about each other: duplicate names, a prefix that two pools claim, more
// than one pool without prefixes, failover or shadow to a pool that is not there or to itself.
// `pool_index` says whose problem each is.
struct PoolsProblem {
  std::size_t pool_index;
  PoolProblem problem;
};
std::vector<PoolsProblem> check_pools(std::span<const PoolOptions> pools);

// The pools that take the keys no prefix claims; more than one is an error. It is the pool without
// prefixes; when several have none, those that another pool names in `failover.to` or `shadow.to`
// are for that only and take no keys of their own.
std::vector<std::size_t> pools_for_the_rest(std::span<const PoolOptions> pools);

}  // namespace ringcache::routing
