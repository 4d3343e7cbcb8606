// What an administrator's orders do, beyond their answers (tests/wire/node/admin.wire).
#include <doctest/doctest.h>

#include <string>

#include "tests/store/executor_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

namespace {

StoreOptions with_lists() {
  StoreOptions options = small_store();
  options.eviction = EvictionKind::kSegmentedLru;
  return options;
}

}  // namespace

TEST_CASE("lru tunes the lists that there are") {
  Conversation client(with_lists());
  CHECK(client.say("lru tune 10 25 0.5 3.5\r\n") == "OK\r\n");
  CHECK(client.store.lru_tuning().hot_percent == 10);
  CHECK(client.store.lru_tuning().warm_percent == 25);
  CHECK(client.store.lru_tuning().hot_age_factor == 0.5);
  CHECK(client.store.lru_tuning().warm_age_factor == 3.5);
  CHECK(client.say("lru tune 80 25 0.5 3.5\r\n") ==
        "ERROR hot and warm pcts must not exceed 80\r\n");
  CHECK(client.say("lru tune 4294967295 2 0.5 3.5\r\n") ==
        "ERROR hot and warm pcts must not exceed 80\r\n");
  CHECK(client.say("lru tune 10 25 nan 3.5\r\n") ==
        "ERROR hot/warm age factors must be greater than 0\r\n");
  CHECK(client.store.lru_tuning().hot_percent == 10);
  CHECK(client.say("lru mode flat\r\n") == "OK\r\n");
  CHECK(client.store.lru_tuning().flat);
  CHECK(client.say("lru mode segmented noreply\r\n") == "");
  CHECK_FALSE(client.store.lru_tuning().flat);
  CHECK(client.say("lru temp_ttl 30\r\n") == "OK\r\n");
  CHECK(client.store.lru_tuning().temporary_ttl == 30U);
  CHECK(client.say("lru temp_ttl -1\r\n") == "OK\r\n");
  CHECK_FALSE(client.store.lru_tuning().temporary_ttl.has_value());
}

TEST_CASE("slabs moves pages and says whether it does so by itself") {
  Conversation client;
  CHECK(client.say("slabs automove 0\r\n") == "OK\r\n");
  CHECK_FALSE(client.store.automove());
  CHECK(client.say("slabs automove 2 noreply\r\n") == "");
  CHECK(client.store.automove());
  for (int key = 0; key < 3000; ++key) {
    client.say("set k" + std::to_string(key) + " 0 0 3 noreply\r\nabc\r\n");
  }
  CHECK(client.say(set("large", std::string(2000, 'l'))) == "STORED\r\n");
  unsigned from = 0;
  unsigned to = 0;
  for (const ClassStats& one : client.store.stats(client.now).classes) {
    (one.slabs.total_pages > 1 ? from : to) = one.number;
  }
  REQUIRE(from != 0);
  CHECK(client.say("slabs reassign " + std::to_string(from) + " " + std::to_string(to) + "\r\n") ==
        "OK\r\n");
  CHECK(client.say("slabs reassign " + std::to_string(from) + " " + std::to_string(to) + "\r\n") ==
        "BUSY currently processing reassign request\r\n");
  client.store.maintain(client.now);
  CHECK(client.store.stats(client.now).totals.slabs_moved == 1);
}

TEST_CASE("cache_memlimit moves the limit up to what is reserved") {
  StoreOptions options = small_store();
  options.memory_bytes_max = 32 * kMiB;
  Conversation client(options);
  CHECK(client.say("cache_memlimit 32\r\n") == "OK\r\n");
  CHECK(client.store.stats(client.now).totals.limit_maxbytes == 32 * kMiB);
  CHECK(client.say("cache_memlimit 33\r\n").starts_with("MEMLIMIT_ADJUST_FAILED"));
  CHECK(
      client.say("cache_memlimit 18446744073709551615\r\n").starts_with("MEMLIMIT_ADJUST_FAILED"));
  CHECK(client.say("cache_memlimit 2 noreply\r\n") == "");
  CHECK(client.store.stats(client.now).totals.limit_maxbytes == 2 * kMiB);
}

TEST_CASE("cache_memlimit lowers the size of items with the memory, and gives it back") {
  StoreOptions options = small_store();
  options.memory_bytes_max = 32 * kMiB;
  options.item_bytes_max = kMiB;
  Conversation client(options);
  const std::string large = "set k 0 0 600000\r\n" + std::string(600'000, 'x') + "\r\n";
  CHECK(client.say("cache_memlimit 1\r\n") == "OK\r\n");
  CHECK(client.store.memory_limit() == kMiB);
  CHECK(client.store.item_bytes_max() == kMiB / 2);
  CHECK(client.say(large) == "SERVER_ERROR object too large for cache\r\n");
  CHECK(client.say("cache_memlimit 32\r\n") == "OK\r\n");
  CHECK(client.store.item_bytes_max() == kMiB);
  CHECK(client.say(large) == "STORED\r\n");
}

TEST_CASE("shutdown is done only where it is allowed") {
  Conversation client;
  CHECK(client.say("shutdown\r\n") == "ERROR: shutdown not enabled\r\n");
  CHECK(client.host.shutdowns == 0);
  client.executor.set_rules({.shutdown = true});
  CHECK(client.say("shutdown now\r\n") == "CLIENT_ERROR invalid shutdown mode\r\n");
  CHECK(client.host.shutdowns == 0);
  CHECK(client.say("shutdown graceful\r\n") == "");
  CHECK(client.host.shutdowns == 1);
}
