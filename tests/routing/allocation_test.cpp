// Planning a request takes nothing from the heap: not from operator new, and not inside OpenSSL,
// whose digests are where it would hide.
#include <doctest/doctest.h>
#include <openssl/crypto.h>

#include <memory>
#include <string>
#include <vector>

#include "counted_allocations.h"
#include "routing/health.h"
#include "routing/router.h"
#include "test_backends.h"

namespace ringcache::routing {

TEST_CASE("plans, stand-ins and health reports allocate nothing") {
  REQUIRE(openssl_is_counted());
  std::vector<std::shared_ptr<const Pool>> pools;
  for (std::size_t kind = 0; kind < kRingKindCount; ++kind) {
    for (std::size_t hash = 0; hash < kKeyHashCount; ++hash) {
      PoolOptions options;
      options.ring = static_cast<RingKind>(kind);
      options.hash = static_cast<KeyHash>(hash);
      if (options.ring == RingKind::kRingcache && options.hash != KeyHash::kXxh3) continue;
      options.prefixes = {std::to_string(kind) + "/" + std::to_string(hash) + ":"};
      options.hash_tag = "{}";
      options.backends = make_backends(10);
      pools.push_back(std::make_shared<const Pool>(options));
    }
  }
  const Router router(pools);
  HealthTracker health(pools[0]->options(), nullptr, HealthTracker::Time(0));
  std::vector<std::string> keys;
  for (const auto& pool : pools) {
    keys.push_back(pool->options().prefixes[0] + "some-{tagged}-key");
    keys.push_back(pool->options().prefixes[0] + std::string(240, 'k'));
  }

  const long before = allocation_count();
  std::size_t targets = 0;
  for (const std::string& key : keys) {
    RoutePlan plan = router.plan(protocol::Command::kGet, key);
    router.add_stand_ins(plan, key);
    targets += plan.target_count;
    health.report(0, NodeResult::kSuccess, HealthTracker::Time(1));
    health.report(1, NodeResult::kTimeout, HealthTracker::Time(1));
  }
  const long after = allocation_count();
  CHECK(after == before);
  CHECK(targets == keys.size() * kPlanTargetsMax);

  // The counters do count.
  const std::string text(100, 'x');
  CHECK(allocation_count() > after);
  void* memory = OPENSSL_malloc(10);
  OPENSSL_free(memory);
  CHECK(allocation_count() > after + 1);
}

}  // namespace ringcache::routing
