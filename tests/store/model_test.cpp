// Random commands against a model (model_run.h): with every eviction policy, at every memory size,
// with and without eviction, with other options. eviction_policies.h tells how to run it for
// longer.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/store/eviction_policies.h"
#include "tests/store/model_run.h"

namespace ringcache::store {
namespace {

// Room for what may be held at once: three pinned items, three reservations, an append.
ModelOptions with_memory(StoreOptions options, std::size_t bytes) {
  options.memory_bytes = bytes;
  options.item_bytes_max = std::min(kMiB, bytes / 16);
  ModelOptions model;
  model.value_bytes_max = options.item_bytes_max;
  model.store = options;
  return model;
}

}  // namespace

TEST_CASE("random commands agree with a model at every memory size") {
  std::uint64_t evictions = 0;
  for_each_policy_and_seed(3, [&](std::uint64_t seed, const StoreOptions& options) {
    for (const std::size_t mib : {1, 2, 4, 16, 64}) {
      CAPTURE(mib);
      ModelRun run(seed * 1000 + mib, with_memory(options, mib * kMiB));
      run.run(10000);
      evictions += run.evictions();
    }
  });
  CHECK(evictions > 500);
}

TEST_CASE("after every single command the model agrees and every rule holds") {
  for_each_policy_and_seed(4, [&](std::uint64_t seed, const StoreOptions& options) {
    ModelOptions model = with_memory(options, kMiB);
    model.keys = 400;
    model.check_every = 1;
    ModelRun(seed, model).run(1200);
  });
}

TEST_CASE("the model with room for everything: nothing vanishes") {
  std::uint64_t evictions = 0;
  for_each_policy_and_seed(2, [&](std::uint64_t seed, const StoreOptions& options) {
    ModelOptions model = with_memory(options, 64 * kMiB);
    model.keys = 300;
    model.value_bytes_max = 100000;
    model.may_vanish = false;
    ModelRun run(seed, model);
    run.run(8000);
    evictions += run.evictions();
  });
  CHECK(evictions == 0);
}

TEST_CASE("the model without eviction: nothing vanishes, full or not") {
  std::uint64_t refusals = 0;
  for_each_policy_and_seed(3, [&](std::uint64_t seed, const StoreOptions& options) {
    for (const std::size_t mib : {1, 4}) {
      CAPTURE(mib);
      ModelOptions model = with_memory(options, mib * kMiB);
      model.store.evict = false;
      model.may_vanish = false;
      ModelRun run(seed * 1000 + mib, model);
      run.run(6000);
      refusals += run.refusals();
    }
  });
  CHECK(refusals > 100);
}

TEST_CASE("random commands agree with a model with other options") {
  for_each_policy_and_seed(4, [&](std::uint64_t seed, const StoreOptions& options) {
    ModelOptions model = with_memory(options, 3 * kMiB);
    model.store.page_bytes = std::size_t{16384} << seed % 3;
    model.store.growth_factor = 1.0 + 0.1 * static_cast<double>(seed % 8 + 1);
    model.store.pin_bytes_min = 100;
    model.store.lru.hot_percent = static_cast<unsigned>(1 + seed % 4 * 10);
    ModelRun(seed, model).run(8000);
  });
}

}  // namespace ringcache::store
