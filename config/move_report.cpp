#include "config/move_report.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "config/config.h"
#include "routing/ring.h"
#include "routing/ring_change.h"

namespace ringcache::config {
namespace {

using routing::Backend;
using routing::NodeChange;
using routing::PoolOptions;
using routing::Ring;
using routing::RingChange;

const PoolOptions* find_pool(const proxy::ProxyOptions& options, std::string_view name) {
  const auto pool = std::find_if(options.pools.begin(), options.pools.end(),
                                 [&](const PoolOptions& p) { return p.name == name; });
  return pool == options.pools.end() ? nullptr : &*pool;
}

Ring ring_of(const PoolOptions& pool) {
  return {pool.ring, pool.key_hash(), pool.backends};
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", share * 100);
  return text;
}

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
  const std::string blanks(width > text.size() ? width - text.size() : 0, ' ');
  return to_the_right ? blanks + text : text + blanks;
}

std::string row(const std::string& name, std::size_t name_width, const std::string& before,
                const std::string& after, const std::string& loses, const std::string& gains) {
  constexpr std::size_t kWidth = 10;
  return "  " + padded(name, name_width, false) + padded(before, kWidth, true) +
         padded(after, kWidth, true) + padded(loses, kWidth, true) + padded(gains, kWidth, true) +
         '\n';
}

const Backend* find_node(const PoolOptions& pool, std::string_view name) {
  const auto node = std::find_if(pool.backends.begin(), pool.backends.end(),
                                 [&](const Backend& b) { return b.name == name; });
  return node == pool.backends.end() ? nullptr : &*node;
}

std::string label(const NodeChange& change, const PoolOptions& before, const PoolOptions& after) {
  const Backend* node = find_node(after, change.name);
  if (node == nullptr) return change.name + " (removed)";
  if (node->drain) return change.name + " (draining)";
  return find_node(before, change.name) == nullptr ? change.name + " (new)" : change.name;
}

std::string kind_of(const PoolOptions& pool) {
  return "ring " + std::string(name(pool.ring)) + ", hash " + std::string(name(pool.key_hash()));
}

// What changes beside the ring and decides where keys go all the same.
std::string notes(const PoolOptions& before, const PoolOptions& after) {
  std::string result;
  if (kind_of(before) != kind_of(after)) result += "  was: " + kind_of(before) + '\n';
  if (before.hash_tag != after.hash_tag) {
    result += "  hash_tag changes: keys with a tag move beyond these figures\n";
  }
  if (before.prefixes != after.prefixes) {
    result += "  prefixes change: keys also move between pools, beyond these figures\n";
  }
  return result;
}

std::string changed_pool(const PoolOptions& before, const PoolOptions& after) {
  const RingChange change = routing::compare_rings(ring_of(before), ring_of(after));
  std::string result = "pool " + after.name + ": " + (change.exact ? "" : "about ") +
                       percent(change.moved) + " of the keys move (" + kind_of(after) + ")\n";
  result += notes(before, after);
  std::size_t width = 6;
  for (const NodeChange& node : change.nodes) {
    width = std::max(width, label(node, before, after).size());
  }
  result += row("node", width, "before", "after", "loses", "gains");
  for (const NodeChange& node : change.nodes) {
    result += row(label(node, before, after), width, percent(node.share_before),
                  percent(node.share_after), percent(node.lost), percent(node.gained));
  }
  return result;
}

}  // namespace

std::string move_report(const proxy::ProxyOptions& before, const proxy::ProxyOptions& after) {
  std::string result;
  for (const PoolOptions& pool : after.pools) {
    const PoolOptions* old = find_pool(before, pool.name);
    result += old != nullptr ? changed_pool(*old, pool)
                             : "pool " + pool.name + ": new, all its keys are cold\n";
  }
  for (const PoolOptions& pool : before.pools) {
    if (find_pool(after, pool.name) == nullptr) result += "pool " + pool.name + ": removed\n";
  }
  for (const std::string& pointer : changes_that_need_restart(before, after)) {
    result += pointer + ": changes, but only a restart applies it\n";
  }
  return result;
}

}  // namespace ringcache::config
