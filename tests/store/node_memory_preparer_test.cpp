// The thread that makes memory ready: with the store's growth, and only where it is wanted.
#include "store/node_memory_preparer.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/store/node_fixture.h"
#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

using net::testing::Client;
using testing::check_exchange;
using testing::set_request;
using testing::test_options;
using testing::TestNode;

bool prepares_with(bool wanted) {
  NodeOptions options = test_options();
  options.prepare_huge_pages = wanted;
  const TestNode running(options);
  Client client = running.client();
  REQUIRE(client.send("stats settings\r\nquit\r\n"));
  return client.receive_all().find("STAT memory_ahead yes\r\n") != std::string::npos;
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

TEST_CASE("a node makes memory ready unless told not to, or the system has no huge pages") {
  CHECK(prepares_with(true) == huge_pages_allowed());
  CHECK_FALSE(prepares_with(false));
}

TEST_CASE("a node says what it has made ready") {
  if (!can_prepare() || !huge_pages_allowed()) return;
  const TestNode running;
  CHECK(running.stat("memory_ready_bytes") == "0");
  Client client = running.client();
  for (int i = 0; i < 12; ++i) {
    check_exchange(client, set_request(numbered("key", i), std::string(100'000, 'v')),
                   "STORED\r\n");
  }
  running.wait_until_counted("memory_prepared");
  CHECK(running.stat("memory_ready_bytes") != "0");
}

}  // namespace ringcache::store
