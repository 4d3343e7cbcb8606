// HealthTracker: what the proxy believes about each node of a pool. Results and times go in, a
// verdict comes out; it opens no connection, reads no clock and writes no log.
//
// States
//
//        any failure
//     up ------------> suspect     a failure while suspect counts on, and forgets successes
//        <------------             a success while suspect counts, and forgets failures
//        `rise` successes in a row
//
// A suspect node still gets its requests: being suspect decides nothing but what is shown, and how
// many failures in a row there have been is what taking a node out is decided from. The states
// after it (ejected, probing, replaying) extend NodeState and the transition function in
// health.cpp; nothing else knows the rules.
//
// Who may change them: every worker, by report(). One verdict per process, not per worker: a
// node's whole state is one 64-bit word, changed by compare-and-swap, so exactly one caller sees
// each transition (HealthVerdict::changed()) and is the one to log and count it.
//
// Cost: a success on a node that is up is one relaxed load of a line that nobody writes, so
// workers share nothing. Every other report is a compare-and-swap. There is no lock; each node
// has a cache line of its own.
//
// Life: a tracker belongs to a table, as a Pool does. On reload the new tracker takes over the
// states of the nodes that stay (same name, same address), and requests of the old table go on
// reporting into the same words.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routing/backend.h"
#include "routing/pool_options.h"

namespace ringcache::routing {

// What became of a dealing with a node. Report an event once: a connection that breaks is one
// reset, however many requests were waiting on it.
enum class NodeResult : std::uint8_t {
  kSuccess,        // a complete, well-formed reply, also an error reply
  kRefused,        // no connection: refused, unreachable, unresolvable, or timed out connecting
  kTimeout,        // no complete reply in time
  kReset,          // the connection broke with requests waiting
  kProtocolError,  // a reply that is not the protocol
};
inline constexpr std::array<std::string_view, 5> kNodeResultNames{"success", "refused", "timeout",
                                                                  "reset", "protocol"};
// The metric label.
constexpr std::string_view name(NodeResult result) {
  return kNodeResultNames[static_cast<std::size_t>(result)];
}

enum class NodeState : std::uint8_t { kUp, kSuspect };
inline constexpr std::array<std::string_view, 2> kNodeStateNames{"up", "suspect"};
constexpr std::string_view name(NodeState state) {
  return kNodeStateNames[static_cast<std::size_t>(state)];
}

// What report() made of a result.
struct HealthVerdict {
  NodeState before = NodeState::kUp;
  NodeState after = NodeState::kUp;
  std::uint32_t failures = 0;  // in a row, up to 65535

  bool changed() const { return before != after; }
};

// A look at one node, for pages and metrics.
struct NodeHealth {
  NodeState state = NodeState::kUp;
  std::uint32_t failures = 0;                      // in a row
  NodeResult last_failure = NodeResult::kSuccess;  // kSuccess: none since it was up
  std::chrono::milliseconds since{0};              // when it came into this state
};

class HealthTracker {
 public:
  // All times count from one point of the caller's choice, and never go back.
  using Time = std::chrono::milliseconds;

  // Nodes are up since `now`, except those that `previous` (may be null) knows.
  HealthTracker(const PoolOptions& options, const HealthTracker* previous, Time now);

  // Any thread.
  HealthVerdict report(NodeIndex node, NodeResult result, Time now) {
    const std::uint64_t seen = nodes_[node]->word.load(std::memory_order_relaxed);
    if (result == NodeResult::kSuccess && seen == kUpWord) return {};
    return change(*nodes_[node], seen, result, now);
  }

  // Any thread; `since` may be a moment behind the state.
  NodeState state(NodeIndex node) const;
  NodeHealth look(NodeIndex node) const;

  std::size_t node_count() const { return nodes_.size(); }

 private:
  static constexpr std::uint64_t kUpWord = 0;  // up, no failures, no successes counted
  static constexpr std::size_t kCacheLineBytes = 64;

  struct alignas(kCacheLineBytes) Node {
    std::string name;
    std::string address;
    // A packed Word (health.cpp); on a line that holds nothing else that is written.
    alignas(kCacheLineBytes) std::atomic<std::uint64_t> word{kUpWord};
    std::atomic<std::int64_t> since_ms{0};
  };

  HealthVerdict change(Node& node, std::uint64_t seen, NodeResult result, Time now);

  HealthOptions options_;
  std::vector<std::shared_ptr<Node>> nodes_;  // by NodeIndex
};

}  // namespace ringcache::routing
