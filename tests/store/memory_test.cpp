// Memory: the bound holds, stores succeed as long as anything can be evicted, pins and reservations
// keep what they hold.
#include <doctest/doctest.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

StoreOptions with_memory(std::size_t mib) {
  StoreOptions options;
  options.memory_bytes = mib * kMiB;
  return options;
}

std::string key_of(int number) {
  return numbered("key:", number);
}

// KiB of this process's address space that huge pages are asked for.
std::size_t huge_kib() {
  std::ifstream maps("/proc/self/smaps");
  std::size_t kib = 0;
  std::size_t huge = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with("Size:")) kib = std::stoull(line.substr(5));
    if (line.starts_with("VmFlags:") && line.find(" hg") != std::string::npos) huge += kib;
  }
  return huge;
}

}  // namespace

TEST_CASE("huge pages are asked for the items and the table, when they are wanted") {
  const std::size_t before = huge_kib();
  Store store(with_memory(64));
  CHECK(huge_kib() == before);
  const bool has_any = std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled").good();
  REQUIRE(store.prefer_huge_pages() == has_any);
  if (has_any) CHECK(huge_kib() > before + 64 * 1024);  // 64 MiB are the items'
}

TEST_CASE("options out of range are refused, others are resolved") {
  const auto refused = [](auto change) {
    StoreOptions options;
    change(options);
    CHECK_THROWS_AS(Store{options}, std::invalid_argument);
  };
  refused([](StoreOptions& o) { o.memory_bytes = kMiB - 1; });
  refused([](StoreOptions& o) { o.item_bytes_max = 1023; });
  refused([](StoreOptions& o) { o.item_bytes_max = kItemBytesMaxLimit + 1; });
  refused([](StoreOptions& o) { o.page_bytes = 50000; });
  refused([](StoreOptions& o) { o.page_bytes = 2 * kMiB; });
  refused([](StoreOptions& o) { o.growth_factor = 1.0; });
  refused([](StoreOptions& o) { o.chunk_bytes_min = 40; });
  refused([](StoreOptions& o) { o.lru.hot_percent = 70; });
  refused([](StoreOptions& o) { o.threads_max = 0; });
  StoreOptions options;
  options.memory_bytes = 10 * kMiB + 5;
  const Store store(options);
  CHECK(store.options().memory_bytes == 10 * kMiB);
  CHECK(store.options().page_bytes == 32 * 1024);
}

TEST_CASE("no more threads than allowed; what they counted outlives them") {
  StoreOptions options;
  options.threads_max = 1;
  Store store(options);
  {
    StoreThread thread = store.thread();
    CHECK_THROWS_AS(store.thread(), std::runtime_error);
    thread.begin_batch();
    thread.get(store.hashed("k"), 10);
    thread.end_batch();
  }
  CHECK(store.stats(10).counters.get_misses == 1);
  const StoreThread another = store.thread();
  CHECK(store.stats(10).counters.get_misses == 1);
}

TEST_CASE("a full class evicts its oldest unread items and counts them") {
  StoreFixture f(with_memory(1));
  const std::string value(80, 'v');
  int stored = 0;
  while (f.totals().evictions == 0) REQUIRE(f.set(key_of(stored++), value));
  for (int more = 0; more < 5000; ++more) REQUIRE(f.set(key_of(stored++), value));
  const StoreTotals totals = f.totals();
  CHECK(totals.evictions + totals.curr_items == static_cast<std::uint64_t>(stored));
  CHECK(totals.evicted_unfetched == totals.evictions);
  CHECK(totals.total_malloced <= totals.limit_maxbytes);
  CHECK(f.get(key_of(0)) == "(miss)");
  CHECK(f.get(key_of(stored - 1)) == value);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("an item that is read survives a scan of twice the memory") {
  StoreFixture f(with_memory(1));
  f.set("favourite", std::string(80, 'f'));
  f.get("favourite");
  for (int key = 0; key < 20000; ++key) {
    f.set(key_of(key), std::string(80, 'v'));
    f.get("favourite");
  }
  CHECK(f.get("favourite") == std::string(80, 'f'));
}

TEST_CASE("memory full of one size takes every other size") {
  for (const bool in_one_batch : {true, false}) {
    StoreFixture f(with_memory(4));
    int key = 0;
    for (const std::size_t bytes : {100, 1000, 8000, 500'000, 40, 200'000, 100}) {
      CAPTURE(bytes);
      const std::string value(bytes, 'v');
      for (std::size_t total = 0; total < 12 * kMiB; total += bytes + 100) {
        REQUIRE(f.set(key_of(++key), value));
        REQUIRE(f.get(key_of(key)) == value);
        if (!in_one_batch) f.next_batch();
      }
      const StoreTotals totals = f.totals();
      CHECK(totals.total_malloced <= 4 * kMiB);
      CHECK(f.store.check_integrity() == "");
    }
  }
}

TEST_CASE("the background balance gives most memory to the size that is stored") {
  StoreFixture f(with_memory(8));
  int key = 0;
  const auto fill = [&](std::size_t bytes, Seconds seconds) {
    for (const Seconds end = f.now + seconds; f.now < end; ++f.now) {
      for (int n = 0; n < 3000; ++n) REQUIRE(f.set(key_of(++key), std::string(bytes, 'v')));
      f.thread.end_batch();
      look_after(f.store, f.now, 10000);
      f.thread.begin_batch();
    }
  };
  fill(100, 30);
  fill(1000, 150);
  std::uint64_t most = 0;
  std::uint64_t chunk = 0;
  for (const ClassStats& one : f.store.stats(f.now).classes) {
    if (one.slabs.total_pages > most) chunk = one.slabs.chunk_size;
    most = std::max(most, one.slabs.total_pages);
  }
  CHECK(chunk > 1000);
  CHECK(most * f.store.options().page_bytes > 7 * kMiB);
  CHECK(f.totals().slabs_moved > 50);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("items up to the limit are stored, larger ones refused, and the old one can be dropped") {
  StoreFixture f;
  const std::size_t overhead = 24 + 12 + 3;  // header, extension of a chain, key
  const std::string largest(kMiB - overhead, 'x');
  CHECK(f.set("big", largest));
  CHECK(f.get("big") == largest);
  CHECK(f.put("big", largest + 'x').status == StoreStatus::kTooLarge);
  CHECK(f.get("big") == largest);  // the caller says whether to discard
  CHECK(f.thread.reserve(f.store.hashed("k"), {}, ~std::uint64_t{0}, f.now).status() ==
        ReserveStatus::kTooLarge);
  CHECK(f.counters().store_too_large == 2);
  StoreOperands append;
  append.mode = StoreMode::kAppend;
  CHECK(f.put("big", "x", append).status == StoreStatus::kTooLarge);
  CHECK(f.get("big") == largest);
}

TEST_CASE("without eviction a full store refuses, and stores again when there is room") {
  StoreOptions options = with_memory(1);
  options.evict = false;
  StoreFixture f(options);
  int stored = 0;
  while (f.set(key_of(stored), std::string(1000, 'v'))) ++stored;
  CHECK(stored > 800);
  CHECK(f.put("more", std::string(1000, 'v')).status == StoreStatus::kNoMemory);
  CHECK(f.counters().store_no_memory == 2);
  CHECK(f.totals().evictions == 0);
  for (int key = 0; key < stored; ++key) REQUIRE(f.get(key_of(key)) != "(miss)");
  CHECK(f.remove(key_of(5)) == DeleteStatus::kDeleted);
  CHECK(f.set("more", std::string(1000, 'v')));
  // Expired items make room as well.
  CHECK(f.remove(key_of(6)) == DeleteStatus::kDeleted);
  CHECK(f.set("brief", std::string(1000, 'v'), f.now + 5));
  CHECK_FALSE(f.set("late", std::string(1000, 'v')));
  f.now += 5;
  CHECK(f.set("late", std::string(1000, 'v')));
}

TEST_CASE("expired items leave before live ones") {
  StoreFixture f(with_memory(1));
  const std::string value(100, 'v');
  for (int key = 0; key < 2000; ++key) f.set("live" + key_of(key), value);
  for (int key = 0; key < 2000; ++key) f.set("brief" + key_of(key), value, f.now + 10);
  REQUIRE(f.totals().evictions == 0);
  f.now += 10;
  for (int key = 0; key < 4000; ++key) f.set("new" + key_of(key), value);
  CHECK(f.totals().evictions == 0);
  for (int key = 0; key < 2000; ++key) REQUIRE(f.get("live" + key_of(key)) == value);
  CHECK(f.totals().reclaimed > 0);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("the background sweep finds expired and flushed items within its budget") {
  StoreFixture f(with_memory(4));
  for (int key = 0; key < 6000; ++key) {
    f.set(key_of(key), "value", key % 2 == 0 ? f.now + 10 : kNever);
  }
  CHECK(look_after(f.store, f.now, 1000000).reclaimed == 0);
  f.now += 10;
  std::uint64_t reclaimed = 0;
  std::uint64_t calls = 0;
  for (bool done = false; !done; ++calls) {
    const SweepResult result = look_after(f.store, f.now, 500);
    CHECK(result.checked <= 512);
    reclaimed += result.reclaimed;
    done = result.pass_done;
  }
  CHECK(calls > 5);
  CHECK(reclaimed == 3000);
  CHECK(f.totals().curr_items == 3000);
  CHECK(f.totals().crawler_reclaimed == 3000);
  CHECK(f.get(key_of(1)) == "value");
  f.thread.flush_all(f.now + 1, f.now);
  ++f.now;
  while (!look_after(f.store, f.now, 100000).pass_done) {
  }
  CHECK(f.totals().curr_items == 0);
  CHECK(f.totals().bytes == 0);
  f.next_batch();
  look_after(f.store, f.now, 1);
  CHECK(f.totals().slab_global_page_pool == 4 * kMiB / f.store.options().page_bytes);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("a pin keeps value and memory through replacement, eviction and batches") {
  StoreFixture f(with_memory(1));
  const std::string small(100, 's');
  const std::string large = value_of(1, 1, 9000);
  const std::string chained = value_of(2, 1, 100'000);
  f.set("small", small);
  f.set("large", large);
  f.set("chained", chained);
  CHECK_FALSE(f.thread.pin(f.thread.get(f.store.hashed("small"), f.now)));
  ItemRef one = f.thread.pin(f.thread.get(f.store.hashed("large"), f.now));
  ItemRef two = f.thread.pin(f.thread.get(f.store.hashed("chained"), f.now));
  REQUIRE(one);
  REQUIRE(two);
  CHECK(f.thread.debug(f.store.hashed("large"), f.now)->pins == 1);
  f.set("large", "replaced");
  f.remove("chained");
  for (int key = 0; key < 3000; ++key) {
    REQUIRE(f.set(key_of(key), std::string(static_cast<std::size_t>(key) % 5000, 'v')));
    if (key % 10 == 0) f.next_batch();
  }
  CHECK(StoreFixture::text(one.view()) == large);
  CHECK(StoreFixture::text(two.view()) == chained);
  CHECK(f.get("large") != large);
  CHECK(f.store.check_integrity() == "");
  const std::uint64_t held = f.totals().limbo_chunks;
  one.reset();
  ItemRef moved = std::move(two);
  CHECK_FALSE(two);
  moved = {};
  f.next_batch();
  for (int calls = 0; calls < 20; ++calls) look_after(f.store, f.now, 1);
  CHECK(f.totals().limbo_chunks < held);
  CHECK(f.totals().limbo_chunks == 0);
}

TEST_CASE("pieces of a value from every offset make the value") {
  StoreFixture f(with_memory(1));
  const std::string value = value_of(3, 1, 9001);
  f.set("k", value);
  const ItemView view = f.thread.get(f.store.hashed("k"), f.now);
  REQUIRE_FALSE(view.is_one_piece());
  for (std::size_t offset = 0; offset <= value.size(); offset += 77) {
    std::string joined;
    while (offset + joined.size() < value.size()) {
      std::string_view pieces[2];
      const std::size_t count = view.pieces(offset + joined.size(), pieces);
      REQUIRE(count > 0);
      for (std::size_t at = 0; at < count; ++at) joined += pieces[at];
    }
    REQUIRE(joined == value.substr(offset));
  }
}

TEST_CASE("a reservation is filled piece by piece, in any steps") {
  StoreFixture f(with_memory(1));
  for (const std::size_t bytes : {0, 1, 50, 2000, 2048, 5000, 60000}) {
    for (const std::size_t step : {1, 7, 1000, 100000}) {
      CAPTURE(bytes);
      CAPTURE(step);
      const std::string value = value_of(bytes, step, bytes);
      Reservation room = f.thread.reserve(f.store.hashed("k"), {1, kNever, false}, bytes, f.now);
      REQUIRE(room);
      CHECK(room.remaining() == bytes);
      while (room.remaining() > 0) {
        std::span<char> pieces[4];
        const std::size_t count = room.writable(pieces);
        REQUIRE(count > 0);
        REQUIRE(pieces[0].data() == room.writable().data());
        std::size_t filled = 0;
        for (std::size_t at = 0; at < count && filled < step; ++at) {
          const std::size_t here = std::min(pieces[at].size(), step - filled);
          value.copy(pieces[at].data(), here, room.filled() + filled);
          filled += here;
        }
        room.advance(filled);
      }
      CHECK(f.thread.commit(std::move(room), {}, f.now).status == StoreStatus::kStored);
      CHECK(f.get("k") == value);
    }
  }
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("an abandoned reservation frees its memory and leaves the old value") {
  StoreFixture f(with_memory(1));
  f.set("k", "old");
  const std::uint64_t before = f.totals().total_malloced;
  for (int round = 0; round < 100; ++round) {
    Reservation room = f.thread.reserve(f.store.hashed("k"), {}, 300'000, f.now);
    REQUIRE(room);
    room.write(std::string(100'000, 'h'));
    CHECK(f.get("k") == "old");
  }
  CHECK(f.get("k") == "old");
  CHECK(f.totals().total_malloced == before);
  CHECK(f.store.check_integrity() == "");
}

TEST_CASE("reservations alone can fill the memory; then and only then there is none") {
  StoreFixture f(with_memory(1));
  for (int key = 0; key < 5000; ++key) f.set(key_of(key), std::string(100, 'v'));
  std::vector<Reservation> held;
  while (true) {
    Reservation room = f.thread.reserve(f.store.hashed("r"), {}, 10000, f.now);
    if (!room) break;
    held.push_back(std::move(room));
  }
  CHECK(held.size() * 10000 > kMiB * 9 / 10);
  CHECK(f.store.check_integrity() == "");
  held.clear();
  CHECK(f.set("k", std::string(200'000, 'v')));
  CHECK(f.totals().total_malloced <= kMiB);
}

TEST_CASE("stats add up and reset starts the counters again") {
  StoreFixture f;
  for (int key = 0; key < 100; ++key) f.set(key_of(key), std::string(100, 'v'));
  for (int key = 0; key < 150; ++key) f.get(key_of(key));
  StoreStats stats = f.store.stats(f.now + 7);
  CHECK(stats.counters.cmd_set == 100);
  CHECK(stats.counters.cmd_get == 150);
  CHECK(stats.counters.get_hits == 100);
  CHECK(stats.counters.get_misses == 50);
  CHECK(stats.totals.curr_items == 100);
  CHECK(stats.totals.total_items == 100);
  CHECK(stats.totals.bytes == 100 * (24 + 100) + 10 * 5 + 90 * 6);
  REQUIRE(stats.classes.size() >= 1);
  std::uint64_t hits = 0;
  std::uint64_t number = 0;
  for (const ClassStats& one : stats.classes) {
    hits += one.slabs.get_hits;
    number += one.items.number;
    CHECK(one.items.hits_to_hot + one.items.hits_to_warm + one.items.hits_to_cold ==
          one.slabs.get_hits);
    CHECK(one.items.number_hot + one.items.number_warm + one.items.number_cold == one.items.number);
    CHECK(one.slabs.used_chunks + one.slabs.free_chunks == one.slabs.total_chunks);
    CHECK(one.slabs.cmd_set == one.items.number);
    CHECK(one.items.age == 7);
  }
  CHECK(hits == 100);
  CHECK(number == 100);
  f.store.reset_stats();
  stats = f.store.stats(f.now);
  CHECK(stats.counters.cmd_set == 0);
  CHECK(stats.counters.get_hits == 0);
  CHECK(stats.totals.total_items == 0);
  CHECK(stats.totals.curr_items == 100);
  CHECK(stats.classes[0].slabs.get_hits == 0);
  f.get(key_of(1));
  CHECK(f.counters().get_hits == 1);
}

TEST_CASE("every row of a table names its own field") {
  StoreCounters counters;
  std::uint64_t value = 0;
  for (const auto& row : kStoreCountersTable) {
    counters.*row.field = ++value;
    CHECK(row.kind == FigureKind::kCounter);
    CHECK_FALSE(row.help.empty());
  }
  CHECK(counters.cmd_get == 1);
  CHECK(counters.store_no_memory == value);
  for (const auto& row : kStoreTotalsTable) {
    if (row.metric_name.ends_with("_total")) CHECK(row.kind == FigureKind::kCounter);
  }
}

}  // namespace ringcache::store
