// The eviction policies that a test of the whole store has to hold with, and the seeds it takes.
//
// RINGCACHE_SEED=N begins with that seed (a failure names its own), RINGCACHE_RUNS=N takes N times
// as many seeds as usual.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "store/store_options.h"
#include "tests/support/from_environment.h"

namespace ringcache::store {

struct PolicyUnderTest {
  const char* name;
  void (*choose)(StoreOptions& options);
};

inline constexpr PolicyUnderTest kPoliciesUnderTest[] = {
    {"hit-density", [](StoreOptions& options) { options.eviction = EvictionKind::kHitDensity; }},
    {"segmented-lru",
     [](StoreOptions& options) { options.eviction = EvictionKind::kSegmentedLru; }},
};

// Calls run(seed, options) for each policy and `seeds` seeds; the options have the two in them.
template <typename Run>
void for_each_policy_and_seed(std::uint64_t seeds, const Run& run) {
  const std::uint64_t first = number_from_environment("RINGCACHE_SEED", 1);
  const std::uint64_t count = seeds * number_from_environment("RINGCACHE_RUNS", 1);
  for (const PolicyUnderTest& policy : kPoliciesUnderTest) {
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
      const std::string name = policy.name;
      CAPTURE(name);
      CAPTURE(seed);
      StoreOptions options;
      options.hash_seed = seed;
      policy.choose(options);
      run(seed, options);
    }
  }
}

}  // namespace ringcache::store
