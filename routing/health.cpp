#include "routing/health.h"

#include <bit>
#include <limits>
#include <unordered_map>

namespace ringcache::routing {
namespace {

// What a node's 64 bits hold. All zero is a node that is up and has had no failure.
struct Word {
  NodeState state = NodeState::kUp;
  NodeResult last_failure = NodeResult::kSuccess;
  std::uint16_t failures = 0;   // in a row
  std::uint16_t successes = 0;  // in a row, counted while suspect
  std::uint16_t unused = 0;     // so that every bit of the 64 has a value
};
static_assert(sizeof(Word) == sizeof(std::uint64_t));
static_assert(kHealthCountMax < std::numeric_limits<std::uint16_t>::max(), "counts must fit");

void count_up(std::uint16_t& count) {
  if (count < std::numeric_limits<std::uint16_t>::max()) ++count;
}

// The rules of the states: the only place that knows them.
Word next(Word word, NodeResult result, const HealthOptions& options) {
  if (result != NodeResult::kSuccess) {
    word.state = NodeState::kSuspect;
    word.last_failure = result;
    word.successes = 0;
    count_up(word.failures);
    return word;
  }
  if (word.state == NodeState::kUp) return word;
  word.failures = 0;
  count_up(word.successes);
  return word.successes >= options.rise ? Word{} : word;
}

}  // namespace

HealthTracker::HealthTracker(const PoolOptions& options, const HealthTracker* previous, Time now)
    : options_(options.health) {
  std::unordered_map<std::string_view, std::shared_ptr<Node>> known;
  if (previous != nullptr) {
    for (const auto& node : previous->nodes_) known.emplace(node->name, node);
  }
  for (const Backend& backend : options.backends) {
    const auto found = known.find(backend.name);
    if (found != known.end() && found->second->address == backend.address) {
      nodes_.push_back(found->second);
      continue;
    }
    auto node = std::make_shared<Node>();
    node->name = backend.name;
    node->address = backend.address;
    node->since_ms.store(now.count(), std::memory_order_relaxed);
    nodes_.push_back(std::move(node));
  }
}

HealthVerdict HealthTracker::change(Node& node, std::uint64_t seen, NodeResult result, Time now) {
  Word before;
  Word after;
  do {
    before = std::bit_cast<Word>(seen);
    after = next(before, result, options_);
    if (std::bit_cast<std::uint64_t>(after) == seen) break;
  } while (!node.word.compare_exchange_weak(seen, std::bit_cast<std::uint64_t>(after),
                                            std::memory_order_acq_rel, std::memory_order_relaxed));
  if (before.state != after.state) node.since_ms.store(now.count(), std::memory_order_relaxed);
  return {.before = before.state, .after = after.state, .failures = after.failures};
}

NodeState HealthTracker::state(NodeIndex node) const {
  return std::bit_cast<Word>(nodes_[node]->word.load(std::memory_order_relaxed)).state;
}

NodeHealth HealthTracker::look(NodeIndex node) const {
  const auto word = std::bit_cast<Word>(nodes_[node]->word.load(std::memory_order_acquire));
  return {.state = word.state,
          .failures = word.failures,
          .last_failure = word.last_failure,
          .since = Time(nodes_[node]->since_ms.load(std::memory_order_relaxed))};
}

}  // namespace ringcache::routing
