// The thread that makes memory ready: with the store's growth, and only where it is wanted.
#include "store/node_memory_preparer.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/store/node_fixture.h"
#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

using testing::test_options;
using testing::TestNode;

// Of this process, by name.
int threads_named(const std::string& wanted) {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    count += name == wanted ? 1 : 0;
  }
  return count;
}

bool can_prepare() {
  const Mapping mapping(2 * kHugePageBytes);
  return prepare_huge_page(mapping.data(), HugePageUse::kOnce) != PrepareStatus::kUnsupported;
}

int preparers_with(bool wanted) {
  NodeOptions options = test_options();
  options.prepare_huge_pages = wanted;
  const TestNode running(options);
  return threads_named("memory");
}

}  // namespace

TEST_CASE("memory is made ready as the store grows, until it is stopped") {
  if (!can_prepare()) return;
  MemoryPreparer preparer;
  StoreOptions options;
  options.memory_bytes = 64 * kMiB;
  options.growth = &preparer.growth();
  StoreFixture on(options);
  preparer.start(on.store);
  CHECK(preparer.prepared() == 0);
  // Some 14 MiB, and never more at once than it is ahead: it could not catch up with what a test
  // has used before the thread had its turn.
  int stored = 0;
  for (int turn = 0; turn < 50; ++turn) {
    for (int i = 0; i < 2'000; ++i, ++stored) {
      REQUIRE(on.set(numbered("key", stored), std::string(100, 'v')));
    }
    preparer.wait_until_settled();
  }
  CHECK(preparer.prepared() >= on.totals().total_malloced / kHugePageBytes - 1);
  preparer.stop();
  preparer.stop();
  const std::uint32_t prepared = preparer.prepared();
  for (int i = 0; i < 50'000; ++i, ++stored) {
    REQUIRE(on.set(numbered("key", stored), std::string(100, 'v')));
  }
  CHECK(preparer.prepared() == prepared);
  CHECK(on.store.check_integrity().empty());
}

TEST_CASE("a node has the thread unless told not to, or the system has no huge pages") {
  CHECK(preparers_with(true) == (can_prepare() && huge_pages_allowed() ? 1 : 0));
  CHECK(preparers_with(false) == 0);
}

}  // namespace ringcache::store
