// Every operation's rules, as Debian's memcached 1.6.18 answers them on a socket; x and E as in
// later versions.
#include <doctest/doctest.h>

#include <string>

#include "store/store_decision.h"
#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

StoreOperands mode(StoreMode mode) {
  StoreOperands operands;
  operands.mode = mode;
  return operands;
}

StoreOperands compare(std::uint64_t cas, StoreMode mode = StoreMode::kSet) {
  StoreOperands operands;
  operands.mode = mode;
  operands.compare = true;
  operands.compare_cas = cas;
  return operands;
}

}  // namespace

TEST_CASE("the six ways to store") {
  StoreFixture f;
  CHECK(f.put("k", "v", mode(StoreMode::kReplace)).status == StoreStatus::kNotStored);
  CHECK(f.put("k", "v", mode(StoreMode::kAppend)).status == StoreStatus::kNotStored);
  CHECK(f.put("k", "v", mode(StoreMode::kPrepend)).status == StoreStatus::kNotStored);
  CHECK(f.put("k", "v", compare(1)).status == StoreStatus::kNotFound);
  CHECK(f.get("k") == "(miss)");
  CHECK(f.put("k", "1", mode(StoreMode::kAdd)).status == StoreStatus::kStored);
  CHECK(f.put("k", "2", mode(StoreMode::kAdd)).status == StoreStatus::kNotStored);
  CHECK(f.get("k") == "1");
  CHECK(f.put("k", "3", mode(StoreMode::kReplace)).status == StoreStatus::kStored);
  CHECK(f.put("k", "45", mode(StoreMode::kAppend)).status == StoreStatus::kStored);
  CHECK(f.put("k", "12", mode(StoreMode::kPrepend)).status == StoreStatus::kStored);
  CHECK(f.get("k") == "12345");
  CHECK(f.put("k", "x", compare(f.cas("k") + 1)).status == StoreStatus::kExists);
  CHECK(f.put("k", "x", compare(f.cas("k"))).status == StoreStatus::kStored);
  CHECK(f.get("k") == "x");
  CHECK(f.get("other") == "(miss)");
}

TEST_CASE("append keeps the flags and the expiry, replaces the cas, and drops no byte") {
  StoreFixture f;
  f.put("k", "a", {}, {7, 500, false});
  const std::uint64_t before = f.cas("k");
  f.put("k", std::string("\0\r\n", 3), mode(StoreMode::kAppend), {9, 900, false});
  const ItemView view = f.thread.get(f.store.hashed("k"), f.now);
  CHECK(view.client_flags() == 7);
  CHECK(view.expiry() == 500);
  CHECK(view.cas() > before);
  CHECK(view.value() == std::string("a\0\r\n", 4));
}

TEST_CASE("cas ids grow by one with each change") {
  StoreFixture f;
  CHECK(f.put("a", "1").cas == 1);
  CHECK(f.put("b", "1").cas == 2);
  CHECK(f.put("a", "2", mode(StoreMode::kAdd)).cas == 0);
  CHECK(f.put("a", "2").cas == 3);
  CHECK(f.cas("b") == 2);
}

TEST_CASE("compare applies to every mode as in memcached") {
  StoreFixture f;
  CHECK(f.put("k", "v", compare(5, StoreMode::kAdd)).status == StoreStatus::kStored);
  CHECK(f.put("k", "v", compare(5, StoreMode::kAppend)).status == StoreStatus::kExists);
  CHECK(f.put("k", "v", compare(0, StoreMode::kAppend)).status == StoreStatus::kStored);
  CHECK(f.put("k", "v", compare(5, StoreMode::kReplace)).status == StoreStatus::kExists);
  CHECK(f.put("k", "v", compare(0)).status == StoreStatus::kExists);
  CHECK(f.put("none", "v", compare(5, StoreMode::kReplace)).status == StoreStatus::kNotFound);
  CHECK(f.put("none", "v", compare(5, StoreMode::kAppend)).status == StoreStatus::kNotStored);
  CHECK(f.put("none", "v", compare(5, StoreMode::kAdd)).status == StoreStatus::kStored);
  CHECK(f.counters().cas_misses == 1);
  CHECK(f.counters().cas_badval == 2);
  CHECK(f.counters().cas_hits == 0);
}

TEST_CASE("explicit cas and append that creates") {
  StoreFixture f;
  StoreOperands operands;
  operands.cas = 77;
  CHECK(f.put("k", "v", operands).cas == 77);
  CHECK(f.cas("k") == 77);
  operands.mode = StoreMode::kAppend;
  operands.append_vivify = true;
  CHECK(f.put("new", "v", operands).status == StoreStatus::kStored);
  CHECK(f.put("new", "w", operands).status == StoreStatus::kStored);
  CHECK(f.get("new") == "vw");
  CHECK(f.put("other", "x").cas == 1);  // the count goes on where it was
}

TEST_CASE("an older cas with I stores, stale, with the old expiry") {
  StoreFixture f;
  f.set("k", "a", 200);
  const std::uint64_t old_cas = f.cas("k");
  DeleteOperands invalidate;
  invalidate.invalidate = true;
  f.remove("k", invalidate);
  CHECK(f.meta_get("k").won);
  StoreOperands operands = compare(old_cas);
  CHECK(f.put("k", "b", operands, {0, 900, false}).status == StoreStatus::kExists);
  operands.invalidate = true;
  CHECK(f.put("k", "b", operands, {0, 900, false}).status == StoreStatus::kStored);
  const MetaGetResult result = f.meta_get("k");
  CHECK(StoreFixture::text(result.item) == "b");
  CHECK(result.stale);
  CHECK(result.token_sent);
  CHECK_FALSE(result.won);
  CHECK(result.item.expiry() == 200);
  operands.compare_cas = f.cas("k") + 5;  // newer is never accepted
  CHECK(f.put("k", "c", operands).status == StoreStatus::kExists);
}

TEST_CASE("delete, with and without compare") {
  StoreFixture f;
  f.set("k", "v");
  DeleteOperands operands;
  operands.compare = true;
  operands.compare_cas = f.cas("k") + 1;
  CHECK(f.remove("k", operands) == DeleteStatus::kExists);
  operands.compare_cas = f.cas("k");
  CHECK(f.remove("k", operands) == DeleteStatus::kDeleted);
  CHECK(f.remove("k", operands) == DeleteStatus::kNotFound);
  CHECK(f.get("k") == "(miss)");
  CHECK(f.counters().delete_hits == 1);
  CHECK(f.counters().delete_misses == 2);
  f.set("k", "v");
  f.thread.discard(f.store.hashed("k"), f.now);
  CHECK(f.get("k") == "(miss)");
  CHECK(f.counters().delete_hits == 1);
}

TEST_CASE("invalidation: one winner each time, a new cas, the value stays") {
  StoreFixture f;
  f.set("k", "v", 500);
  const std::uint64_t before = f.cas("k");
  CHECK_FALSE(f.meta_get("k").stale);
  DeleteOperands invalidate;
  invalidate.invalidate = true;
  invalidate.touch = true;
  invalidate.touch_expiry = 130;
  CHECK(f.remove("k", invalidate) == DeleteStatus::kDeleted);
  CHECK(f.cas("k") > before);
  MetaGetResult result = f.meta_get("k");
  CHECK(result.stale);
  CHECK(result.won);
  CHECK_FALSE(result.token_sent);
  CHECK(result.item.expiry() == 130);
  CHECK(StoreFixture::text(result.item) == "v");
  result = f.meta_get("k");
  CHECK(result.stale);
  CHECK_FALSE(result.won);
  CHECK(result.token_sent);
  f.remove("k", invalidate);
  CHECK(f.meta_get("k").won);
  f.set("k", "w");
  CHECK_FALSE(f.meta_get("k").stale);
  CHECK_FALSE(f.meta_get("k").token_sent);
}

TEST_CASE("x leaves an empty item with the flags it is told and the same cas") {
  StoreFixture f;
  f.put("k", "value", {}, {9, 500, false});
  const std::uint64_t before = f.cas("k");
  DeleteOperands operands;
  operands.remove_value = true;
  CHECK(f.remove("k", operands) == DeleteStatus::kDeleted);
  MetaGetResult result = f.meta_get("k");
  REQUIRE(result.item);
  CHECK(result.item.value_bytes() == 0);
  CHECK(result.item.client_flags() == 0);
  CHECK(result.item.expiry() == kNever);
  CHECK(result.item.cas() == before);
  CHECK(f.counters().delete_hits == 1);
  operands.invalidate = true;
  operands.client_flags = 7;
  operands.cas = 99;
  f.remove("k", operands);
  CHECK(f.counters().delete_hits == 1);
  result = f.meta_get("k");
  CHECK(result.stale);
  CHECK(result.item.client_flags() == 7);
  CHECK(result.item.cas() == 99);
}

TEST_CASE("vivify: the first creates and wins, the next wait") {
  StoreFixture f;
  MetaGetOptions options;
  CHECK_FALSE(f.meta_get("k", options).item);
  options.vivify = true;
  options.vivify_expiry = 130;
  MetaGetResult result = f.meta_get("k", options);
  REQUIRE(result.item);
  CHECK(result.created);
  CHECK(result.won);
  CHECK_FALSE(result.token_sent);
  CHECK_FALSE(result.was_fetched);
  CHECK(result.item.value_bytes() == 0);
  CHECK(result.item.expiry() == 130);
  CHECK(result.expiry_before == kNever);
  result = f.meta_get("k", options);
  CHECK_FALSE(result.created);
  CHECK_FALSE(result.won);
  CHECK(result.token_sent);
  CHECK(result.was_fetched);
  CHECK(f.put("k", "v", mode(StoreMode::kAdd)).status == StoreStatus::kNotStored);
  f.set("k", "v", 130);
  CHECK_FALSE(f.meta_get("k", options).token_sent);
  f.now = 130;
  CHECK(f.meta_get("k", options).created);
  options.vivify_cas = 1234;
  CHECK(f.meta_get("other", options).item.cas() == 1234);
}

TEST_CASE("recache: one winner when little time is left; never for what does not expire") {
  StoreFixture f;
  f.set("k", "v", 150);
  f.set("forever", "v");
  MetaGetOptions options;
  options.recache = true;
  options.recache_below = 50;
  CHECK_FALSE(f.meta_get("k", options).won);  // exactly 50 left
  f.now = 101;
  CHECK(f.meta_get("k", options).won);
  CHECK_FALSE(f.meta_get("k", options).won);
  CHECK(f.meta_get("k", options).token_sent);
  CHECK_FALSE(f.meta_get("forever", options).won);
}

TEST_CASE("recache and touch are judged in the order of the line") {
  StoreFixture f;
  MetaGetOptions options;
  options.recache = true;
  options.recache_below = 100;
  options.touch = true;
  options.touch_expiry = 300;
  f.set("k", "v", 120);
  MetaGetResult result = f.meta_get("k", options);  // T before R
  CHECK_FALSE(result.won);
  CHECK(result.expiry_before == 120);
  CHECK(result.item.expiry() == 300);
  f.set("k", "v", 120);
  options.recache_before_touch = true;
  CHECK(f.meta_get("k", options).won);
}

TEST_CASE("hit before and last access are told as they were; u changes nothing") {
  StoreFixture f;
  f.set("k", "v");
  MetaGetOptions quiet;
  quiet.no_bump = true;
  f.now = 110;
  MetaGetResult result = f.meta_get("k", quiet);
  CHECK_FALSE(result.was_fetched);
  CHECK(result.last_access == 100);
  result = f.meta_get("k");
  CHECK_FALSE(result.was_fetched);
  CHECK(result.last_access == 100);
  f.now = 120;
  result = f.meta_get("k");
  CHECK(result.was_fetched);
  CHECK(result.last_access == 110);
  CHECK(f.thread.debug(f.store.hashed("k"), f.now)->last_access == 120);
}

TEST_CASE("touch and gat set the expiry and count as touches") {
  StoreFixture f;
  f.set("k", "v", 150);
  CHECK(f.thread.touch(f.store.hashed("k"), 300, f.now));
  CHECK_FALSE(f.thread.touch(f.store.hashed("none"), 300, f.now));
  f.now = 200;
  CHECK(StoreFixture::text(f.thread.get_and_touch(f.store.hashed("k"), 210, f.now)) == "v");
  CHECK_FALSE(f.thread.get_and_touch(f.store.hashed("none"), 210, f.now));
  CHECK(f.meta_get("k").was_fetched);
  f.now = 210;
  CHECK(f.get("k") == "(miss)");
  CHECK(f.counters().cmd_touch == 4);
  CHECK(f.counters().touch_hits == 2);
  CHECK(f.counters().touch_misses == 2);
  CHECK(f.counters().get_expired == 1);
}

TEST_CASE("incr and decr keep length, flags and expiry") {
  StoreFixture f;
  f.put("k", "100", {}, {5, 500, false});
  ArithmeticOperands operands;
  operands.decrement = true;
  operands.delta = 99;
  ArithmeticResult result = f.arithmetic("k", operands);
  CHECK(result.status == ArithmeticStatus::kOk);
  CHECK(result.value == 1);
  CHECK(result.expiry_before == 500);
  CHECK(f.get("k") == "1  ");
  CHECK(result.cas == f.cas("k"));
  operands.decrement = false;
  operands.delta = 9999;
  CHECK(f.arithmetic("k", operands).value == 10000);
  CHECK(f.get("k") == "10000");
  const ItemView view = f.thread.get(f.store.hashed("k"), f.now);
  CHECK(view.client_flags() == 5);
  CHECK(view.expiry() == 500);
}

TEST_CASE("what is no number is not counted; limits wrap and stop") {
  StoreFixture f;
  CHECK(f.arithmetic("none").status == ArithmeticStatus::kNotFound);
  f.set("k", "");
  CHECK(f.arithmetic("k").status == ArithmeticStatus::kNotNumeric);
  f.set("k", "12x");
  CHECK(f.arithmetic("k").status == ArithmeticStatus::kNotNumeric);
  CHECK(f.get("k") == "12x");
  f.set("k", std::string(300000, '1'));  // a chain
  CHECK(f.arithmetic("k").status == ArithmeticStatus::kNotNumeric);
  ArithmeticOperands operands;
  operands.compare = true;
  operands.compare_cas = f.cas("k") + 1;
  CHECK(f.arithmetic("k", operands).status == ArithmeticStatus::kExists);
  operands.compare = false;
  f.set("k", "18446744073709551615");
  operands.delta = 2;
  CHECK(f.arithmetic("k", operands).value == 1);
  CHECK(f.get("k") == "1                   ");
  operands.decrement = true;
  CHECK(f.arithmetic("k", operands).value == 0);
  CHECK(f.counters().incr_hits == 1);
  CHECK(f.counters().incr_misses == 1);
  CHECK(f.counters().decr_hits == 1);
}

TEST_CASE("arithmetic: compare, create, touch, marks") {
  StoreFixture f;
  ArithmeticOperands operands;
  operands.vivify = true;
  operands.vivify_expiry = 150;
  operands.initial = 7;
  ArithmeticResult result = f.arithmetic("k", operands);
  CHECK(result.created);
  CHECK(f.counters().incr_misses == 0);
  CHECK(result.value == 7);
  CHECK(result.expiry_before == kNever);
  CHECK(f.thread.debug(f.store.hashed("k"), f.now)->expiry == 150);
  CHECK(f.get("k") == "7");
  operands.compare = true;
  operands.compare_cas = result.cas + 1;
  CHECK(f.arithmetic("k", operands).status == ArithmeticStatus::kExists);
  operands.compare_cas = result.cas;
  operands.touch = true;
  operands.touch_expiry = 200;
  operands.cas = 55;
  result = f.arithmetic("k", operands);
  CHECK(result.value == 8);
  CHECK(result.cas == 55);
  CHECK(result.expiry_before == 150);
  CHECK(f.thread.debug(f.store.hashed("k"), f.now)->expiry == 200);
  CHECK_FALSE(result.created);
  DeleteOperands invalidate;
  invalidate.invalidate = true;
  f.remove("k", invalidate);
  f.arithmetic("k");  // the same length: the stale mark stays, as it does in memcached
  CHECK(f.meta_get("k").stale);
  f.arithmetic("k");
  CHECK(f.get("k") == "10");  // longer: a new item without marks
  CHECK_FALSE(f.meta_get("k").stale);
}

TEST_CASE("debug tells what there is and changes nothing") {
  StoreFixture f;
  CHECK_FALSE(f.thread.debug(f.store.hashed("k"), f.now).has_value());
  f.put("k", "12345", {}, {3, 500, true});
  const auto debug = f.thread.debug(f.store.hashed("k"), 105);
  REQUIRE(debug.has_value());
  CHECK(debug->expiry == 500);
  CHECK(debug->last_access == 100);
  CHECK(debug->cas == 1);
  CHECK_FALSE(debug->fetched);
  CHECK(debug->key_is_binary);
  CHECK(debug->client_flags == 3);
  CHECK(debug->value_bytes == 5);
  CHECK(debug->size_bytes == 24 + 4 + 1 + 5);
  CHECK(debug->slab_class >= 1);
  CHECK(f.counters().cmd_get == 0);
}

TEST_CASE("keys are any bytes up to 250 of them") {
  StoreFixture f;
  std::string key;
  for (int byte = 0; byte < 250; ++byte) key.push_back(static_cast<char>(byte));
  CHECK(f.set(key, "all"));
  CHECK(f.set(key.substr(0, 249), "shorter"));
  CHECK(f.get(key) == "all");
  CHECK(f.get(key.substr(0, 249)) == "shorter");
}

}  // namespace ringcache::store
