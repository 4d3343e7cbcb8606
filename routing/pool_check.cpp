// check_pool() and check_pools() of pool_options.h.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "routing/pool_options.h"
#include "routing/ring.h"
#include "routing/ring_modula.h"

namespace ringcache::routing {
namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kKeyBytesMax = 250;  // memcached's; a longer prefix can match no key

class Problems {
 public:
  void error(std::string pointer, std::string text) {
    found_.push_back({ProblemSeverity::kError, std::move(pointer), std::move(text)});
  }
  void warning(std::string pointer, std::string text) {
    found_.push_back({ProblemSeverity::kWarning, std::move(pointer), std::move(text)});
  }
  bool has_error() const {
    return std::any_of(found_.begin(), found_.end(), [](const PoolProblem& problem) {
      return problem.severity == ProblemSeverity::kError;
    });
  }
  std::vector<PoolProblem> take() { return std::move(found_); }

 private:
  std::vector<PoolProblem> found_;
};

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

std::string node_pointer(std::size_t index, std::string_view field = "") {
  return "/nodes/" + std::to_string(index) + (field.empty() ? "" : "/" + std::string(field));
}

// Names stand in logs, metrics and URLs.
bool is_printable(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) != 0x7f;
  });
}

void check_name(std::string_view what, std::string_view name, const std::string& pointer,
                Problems& problems) {
  if (name.empty()) {
    problems.error(pointer, std::string(what) + " has an empty name");
  } else if (name.size() > kNameBytesMax) {
    problems.error(pointer, std::string(what) + " has a name of " + std::to_string(name.size()) +
                                " bytes; at most " + std::to_string(kNameBytesMax));
  } else if (!is_printable(name)) {
    problems.error(pointer, std::string(what) + " has a name with a space or a control character");
  }
}

void check_backends(const PoolOptions& options, Problems& problems) {
  const std::vector<Backend>& backends = options.backends;
  if (backends.empty()) problems.error("/nodes", "the pool has no nodes");
  if (backends.size() > kBackendsMax) {
    problems.error("/nodes", "the pool has " + std::to_string(backends.size()) +
                                 " nodes; at most " + std::to_string(kBackendsMax));
  }
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const Backend& backend = backends[i];
    check_name("the node", backend.name, node_pointer(i, backend.named ? "name" : ""), problems);
    if (backend.weight < 1 || backend.weight > kWeightMax) {
      problems.error(node_pointer(i, "weight"), "the weight " + std::to_string(backend.weight) +
                                                    " is not from 1 to " +
                                                    std::to_string(kWeightMax));
    }
    const auto [first, is_new] = seen.emplace(backend.name, i);
    if (!is_new) {
      problems.error(node_pointer(i), "the name " + quoted(backend.name) +
                                          " is also that of node " + std::to_string(first->second) +
                                          "; a name is a node's identity on the ring");
    }
  }
  if (!backends.empty() &&
      std::all_of(backends.begin(), backends.end(), [](const Backend& b) { return b.drain; })) {
    problems.error("/nodes", "every node is draining: nobody would own a key");
  }
}

void check_weight_sum(const PoolOptions& options, Problems& problems) {
  std::uint64_t sum = 0;
  for (const Backend& backend : options.backends) sum += backend.drain ? 0 : backend.weight;
  std::uint64_t max = 0;
  if (options.ring == RingKind::kModula || options.ring == RingKind::kModulaTwemproxy) {
    max = kModulaSlotsMax;
  }
  if (options.ring == RingKind::kKetama) max = 0xffffffff;
  if (max != 0 && sum > max) {
    problems.error("/nodes", "the weights add up to " + std::to_string(sum) + "; with the ring " +
                                 quoted(name(options.ring)) + " at most " + std::to_string(max));
  }
}

void check_prefixes(const PoolOptions& options, Problems& problems) {
  if (options.prefixes.size() > kPrefixesMax) {
    problems.error("/prefixes", "the pool has " + std::to_string(options.prefixes.size()) +
                                    " prefixes; at most " + std::to_string(kPrefixesMax));
  }
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < options.prefixes.size(); ++i) {
    const std::string& prefix = options.prefixes[i];
    const std::string pointer = "/prefixes/" + std::to_string(i);
    if (prefix.empty()) {
      problems.error(pointer, "an empty prefix; a pool that takes every key has no prefixes");
    } else if (prefix.size() > kKeyBytesMax) {
      problems.error(pointer, "a prefix of " + std::to_string(prefix.size()) +
                                  " bytes; a key has at most " + std::to_string(kKeyBytesMax));
    } else if (!is_printable(prefix)) {
      problems.error(pointer, "a prefix with a space or a control character, which no key has");
    } else if (!seen.emplace(prefix, i).second) {
      problems.error(pointer, "the prefix " + quoted(prefix) + " is there twice");
    }
  }
}

void check_hash(const PoolOptions& options, Problems& problems) {
  const KeyHash hash = options.key_hash();
  if (options.ring == RingKind::kRingcache && hash != KeyHash::kXxh3) {
    problems.error("/hash", "the ring \"ringcache\" always places by \"xxh3\"; " +
                                quoted(name(hash)) + " needs one of the other rings");
  }
  if (!options.hash_tag.empty() && options.hash_tag.size() != 2) {
    problems.error("/hash_tag", "a hash tag is two characters, as in \"{}\"");
  }
}

// Pairs that are known to spread keys badly whatever the nodes.
std::string skew_of(RingKind ring, KeyHash hash) {
  const bool is_points = ring == RingKind::kKetama || ring == RingKind::kKetamaUnweighted ||
                         ring == RingKind::kMemcachedProxy;
  if (is_points && hash == KeyHash::kCrc32) {
    return "\"crc32\" has only 15 bits: on this ring nearly all keys land on one node";
  }
  if (is_points && hash == KeyHash::kFnv1_64) {
    return "\"fnv1_64\" spreads unevenly: the busiest of 5 nodes gets about 1.6 times the mean";
  }
  return {};
}

void check_skew(const PoolOptions& options, Problems& problems) {
  const std::string skew = skew_of(options.ring, options.key_hash());
  if (skew.empty()) return;
  if (options.allow_skew) {
    problems.warning("/hash", skew);
  } else {
    problems.error("/hash", skew + "; set \"allow_skew\": true to have it all the same");
  }
}

void check_ignored_weights(const PoolOptions& options, Problems& problems) {
  if (options.ring != RingKind::kKetamaUnweighted && options.ring != RingKind::kMemcachedProxy) {
    return;
  }
  for (std::size_t i = 0; i < options.backends.size(); ++i) {
    if (options.backends[i].weight == 1) continue;
    problems.warning(node_pointer(i, "weight"),
                     "the ring " + quoted(name(options.ring)) + " does not look at weights");
  }
}

// Names and weights come from twemproxy: libmemcached's modula has neither.
void check_modula_order(const PoolOptions& options, Problems& problems) {
  if (options.ring != RingKind::kModula) return;
  const auto is_twemproxys = [](const Backend& b) { return b.named || b.weight != 1; };
  if (std::none_of(options.backends.begin(), options.backends.end(), is_twemproxys)) return;
  const auto theirs = modula_order(options.backends, ModulaOrder::kAsTwemproxy);
  if (std::is_sorted(theirs.begin(), theirs.end())) return;
  problems.warning("/ring",
                   "\"modula\" takes the nodes as they are listed; twemproxy sorts them by name "
                   "first: \"modula-twemproxy\" places keys as it does");
}

void check_shares(const PoolOptions& options, Problems& problems) {
  const Ring ring(options.ring, options.key_hash(), options.backends);
  for (std::size_t i = 0; i < options.backends.size(); ++i) {
    if (options.backends[i].drain || ring.shares()[i] > 0) continue;
    problems.warning(node_pointer(i), "the node " + quoted(options.backends[i].name) +
                                          " would own no keys at all beside the others");
  }
}

void check_durations(const PoolOptions& options, Problems& problems) {
  const auto positive = [&](auto duration, const char* pointer) {
    if (duration.count() <= 0) problems.error(pointer, "must be longer than 0");
  };
  positive(options.timeouts.connect, "/timeouts/connect");
  positive(options.timeouts.request, "/timeouts/request");
  positive(options.health.interval, "/health/interval");
  positive(options.health.timeout, "/health/timeout");
  positive(options.failover.max_ttl, "/failover/max_ttl");
  if (options.handoff.window.count() < 0) {
    problems.error("/handoff/window", "must not be negative; 0 turns the hand-off off");
  }
}

void check_rate_limit(const PoolOptions& options, Problems& problems) {
  const std::vector<PrefixRate>& prefixes = options.rate_limit.prefixes;
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    const auto same = [&](const PrefixRate& other) { return other.prefix == prefixes[i].prefix; };
    if (std::find_if(prefixes.begin(), prefixes.end(), same) == prefixes.begin() + i) continue;
    problems.error("/rate_limit/prefixes/" + std::to_string(i) + "/prefix",
                   "the prefix " + quoted(prefixes[i].prefix) + " is there twice");
  }
}

void check_counts(const PoolOptions& options, Problems& problems) {
  const std::uint32_t connections = options.connections_per_node;
  if (connections < 1 || connections > kConnectionsPerNodeMax) {
    problems.error("/connections_per_node", std::to_string(connections) + " is not from 1 to " +
                                                std::to_string(kConnectionsPerNodeMax));
  }
  if (options.health.fall < 1 || options.health.fall > kHealthCountMax) {
    problems.error("/health/fall", "must be from 1 to " + std::to_string(kHealthCountMax));
  }
  if (options.health.rise < 1 || options.health.rise > kHealthCountMax) {
    problems.error("/health/rise", "must be from 1 to " + std::to_string(kHealthCountMax));
  }
  if (options.failover.max_ejected_percent > 100) {
    problems.error("/failover/max_ejected_percent", "must be from 0 to 100");
  }
  if (options.replicas < 1 || options.replicas > kReplicasMax) {
    problems.error("/replicas", "must be from 1 to " + std::to_string(kReplicasMax));
  }
  if (options.shadow.percent < 1 || options.shadow.percent > 100) {
    problems.error("/shadow/percent", "must be from 1 to 100");
  }
  if (options.handoff.keys_per_second < 1) {
    problems.error("/handoff/keys_per_second", "must be at least 1");
  }
}

void check_access(const PoolOptions& options, Problems& problems) {
  if (!options.tls) return;
  const NodeTlsOptions& tls = *options.tls;
  for (std::size_t i = 0; i < options.backends.size(); ++i) {
    if (options.backends[i].is_unix()) {
      problems.error(node_pointer(i), "a UNIX socket, and TLS is for TCP addresses");
    }
  }
  if (tls.certificate.empty() && !tls.key.empty()) {
    problems.error("/tls/key", "a key needs its certificate: \"certificate\"");
  }
  if (tls.verify) return;
  problems.warning("/tls/verify",
                   "any certificate is taken: whoever gets between the proxy and these nodes can "
                   "read and write all that passes");
  if (!tls.ca.empty())
    problems.warning("/tls/ca", "nothing is verified by it: \"verify\" is false");
}

}  // namespace

std::vector<PoolProblem> check_pool(const PoolOptions& options) {
  Problems problems;
  check_name("the pool", options.name, "", problems);
  check_backends(options, problems);
  check_weight_sum(options, problems);
  check_prefixes(options, problems);
  check_hash(options, problems);
  check_skew(options, problems);
  check_ignored_weights(options, problems);
  check_modula_order(options, problems);
  check_durations(options, problems);
  check_counts(options, problems);
  check_rate_limit(options, problems);
  check_access(options, problems);
  if (!problems.has_error()) check_shares(options, problems);
  return problems.take();
}

std::vector<std::size_t> pools_for_the_rest(std::span<const PoolOptions> pools) {
  const auto stands_in = [&](const PoolOptions& pool) {
    return std::any_of(pools.begin(), pools.end(), [&](const PoolOptions& other) {
      const bool by_failover =
          other.failover.to == FailoverTo::kPool && other.failover.pool == pool.name;
      return by_failover || other.shadow.pool == pool.name;
    });
  };
  std::vector<std::size_t> all;
  std::vector<std::size_t> own;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (!pools[i].prefixes.empty()) continue;
    all.push_back(i);
    if (!stands_in(pools[i])) own.push_back(i);
  }
  return all.size() > 1 && !own.empty() ? own : all;
}

std::vector<PoolsProblem> check_pools(std::span<const PoolOptions> pools) {
  std::vector<PoolsProblem> found;
  const auto error = [&](std::size_t pool, std::string pointer, std::string text) {
    found.push_back({pool, {ProblemSeverity::kError, std::move(pointer), std::move(text)}});
  };
  if (pools.size() > kPoolsMax) {
    error(kPoolsMax, "",
          "there are " + std::to_string(pools.size()) + " pools; at most " +
              std::to_string(kPoolsMax));
  }
  std::unordered_map<std::string_view, std::size_t> by_name;
  std::unordered_map<std::string_view, std::size_t> by_prefix;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (!by_name.emplace(pools[i].name, i).second) {
      error(i, "", "there are two pools named " + quoted(pools[i].name));
    }
    for (std::size_t p = 0; p < pools[i].prefixes.size(); ++p) {
      const auto [first, is_new] = by_prefix.emplace(pools[i].prefixes[p], i);
      if (is_new || first->second == i) continue;  // twice in one pool: check_pool() says so
      error(i, "/prefixes/" + std::to_string(p),
            "the prefix " + quoted(pools[i].prefixes[p]) + " is also that of the pool " +
                quoted(pools[first->second].name));
    }
  }
  const std::vector<std::size_t> rest = pools_for_the_rest(pools);
  for (std::size_t i = 1; i < rest.size(); ++i) {
    error(rest[i], "/prefixes",
          "only one pool can be without prefixes and take the other keys, and " +
              quoted(pools[rest[0]].name) + " is already");
  }
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const std::string& shadow = pools[i].shadow.pool;
    if (shadow.empty()) continue;
    if (shadow == pools[i].name) {
      error(i, "/shadow/to", "a pool cannot be its own shadow");
    } else if (!by_name.contains(shadow)) {
      error(i, "/shadow/to", "there is no pool named " + quoted(shadow));
    }
  }
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const FailoverOptions& failover = pools[i].failover;
    if (failover.to != FailoverTo::kPool) continue;
    if (failover.pool == pools[i].name) {
      error(i, "/failover/to", "a pool cannot stand in for itself; \"next\" is the next node");
    } else if (!by_name.contains(failover.pool)) {
      error(i, "/failover/to", "there is no pool named " + quoted(failover.pool));
    }
  }
  return found;
}

}  // namespace ringcache::routing
