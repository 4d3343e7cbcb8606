#include "store/segmented_lru.h"

#include <doctest/doctest.h>

#include <vector>

namespace ringcache::store {
namespace {

class Lru {
 public:
  Lru() : lru_({region_, slabs_, clock_, options_}) {}

  // Items are numbered from 0.
  Item& item(std::size_t number) { return *region_.item(region_.ref(number * 64)); }
  void insert(std::size_t number) {
    item(number).state.reset(Place::kReserved, 0);
    lru_.on_insert(item(number));
  }
  void hit(std::size_t number, Seconds now) {
    EvictionPolicy::record_hit(item(number), clock_, now);
  }
  std::size_t list_of_item(std::size_t number) { return list_of(item(number).place()); }
  std::size_t number_of(const Item* item) { return region_.offset(region_.ref(item)) / 64; }
  std::size_t evict() {
    Item* victim = lru_.victim(kNow);
    lru_.on_remove(*victim);
    victim->state.set_place(Place::kLimbo);
    return number_of(victim);
  }
  std::size_t count(std::size_t list) { return lru_.item_lists().list(list).count; }
  SegmentedLru& lru() { return lru_; }
  LruTuning& tuning() { return options_.lru; }

 private:
  static constexpr Seconds kNow = 200;

  static StoreOptions small() {
    StoreOptions options;
    options.memory_bytes = kMiB;
    options.page_bytes = 64 * 1024;
    options.growth_factor = 1.25;
    options.eviction = EvictionKind::kSegmentedLru;
    return options;
  }

  StoreOptions options_ = small();
  Region region_{kMiB, kLinkBytes};
  SlabAllocator slabs_{region_, options_, 16};
  AccessClock clock_{kMiB};
  SegmentedLru lru_;
};

constexpr std::size_t kHot = SegmentedLru::kHot;
constexpr std::size_t kWarm = SegmentedLru::kWarm;
constexpr std::size_t kCold = SegmentedLru::kCold;

}  // namespace

TEST_CASE("items that nobody reads leave in the order they came") {
  Lru lru;
  for (std::size_t number = 0; number < 100; ++number) lru.insert(number);
  CHECK(lru.count(kHot) <= 20);
  CHECK(lru.count(kWarm) == 0);
  CHECK(lru.count(kHot) + lru.count(kCold) == 100);
  for (std::size_t number = 0; number < 100; ++number) CHECK(lru.evict() == number);
  CHECK(lru.lru().victim(200) == nullptr);
}

TEST_CASE("one read does not save an item, two do") {
  Lru lru;
  for (std::size_t number = 0; number < 10; ++number) lru.insert(number);
  lru.hit(0, 5);
  lru.hit(1, 5);
  lru.hit(1, 6);
  CHECK(lru.item(0).state.marks() == kFetched);
  CHECK(lru.item(1).state.marks() == (kFetched | kActive));
  CHECK(lru.item(1).last_access() == 6);
  CHECK(lru.evict() == 0);
  CHECK(lru.evict() == 2);
  CHECK(lru.list_of_item(1) == kWarm);
  CHECK(lru.item(1).state.marks() == kFetched);  // it has to earn the next round
}

TEST_CASE("an item read twice while hot goes to warm") {
  Lru lru;
  lru.insert(0);  // one item is over 20 % of one
  CHECK(lru.list_of_item(0) == kCold);
  for (std::size_t number = 1; number < 20; ++number) lru.insert(number);
  REQUIRE(lru.list_of_item(19) == kHot);
  lru.hit(19, 5);
  lru.hit(19, 5);
  for (std::size_t number = 20; number < 40; ++number) lru.insert(number);
  CHECK(lru.list_of_item(19) == kWarm);
  CHECK(lru.lru().moves().to_warm == 1);
}

TEST_CASE("warm keeps to its share, the longest unread first") {
  Lru lru;
  for (std::size_t number = 0; number < 100; ++number) {
    lru.insert(number);
    lru.hit(number, 5);
    lru.hit(number, 5);
  }
  for (std::size_t number = 100; number < 200; ++number) lru.insert(number);
  CHECK(lru.count(kWarm) <= 81);
  CHECK(lru.count(kHot) <= 41);
  for (int evictions = 0; evictions < 150; ++evictions) lru.evict();
  CHECK(lru.count(kHot) + lru.count(kWarm) + lru.count(kCold) == 50);
}

TEST_CASE("when everything was read, somebody leaves all the same") {
  Lru lru;
  for (std::size_t number = 0; number < 200; ++number) {
    lru.insert(number);
    lru.hit(number, 5);
    lru.hit(number, 5);
  }
  for (std::size_t left = 200; left > 0; --left) {
    REQUIRE(lru.lru().victim(200) != nullptr);
    lru.evict();
  }
  CHECK(lru.lru().victim(200) == nullptr);
}

TEST_CASE("maintain lets old items of hot and warm go to cold") {
  Lru lru;
  for (std::size_t number = 0; number < 50; ++number) {
    lru.insert(number);
    lru.item(number).set_last_access(static_cast<Seconds>(100 + number));
  }
  const std::size_t hot = lru.count(kHot);
  REQUIRE(hot > 0);
  CHECK(lru.lru().maintain(160, 1000) > 0);
  CHECK(lru.count(kHot) < hot);
}

TEST_CASE("items of a short life have their own list and are not evicted before others") {
  Lru lru;
  lru.tuning().temporary_ttl = 60;
  for (std::size_t number = 0; number < 10; ++number) {
    lru.item(number).set_last_access(100);
    lru.item(number).expiry = number < 5 ? 160 : kNever;
    lru.insert(number);
  }
  CHECK(lru.count(SegmentedLru::kTemporary) == 5);
  for (std::size_t left = 5; left > 0; --left) CHECK(lru.evict() >= 5);
  CHECK(lru.evict() == 0);
}

TEST_CASE("a flat list gives an item that was read a second round") {
  Lru lru;
  lru.tuning().flat = true;
  for (std::size_t number = 0; number < 10; ++number) lru.insert(number);
  CHECK(lru.count(kCold) == 10);
  lru.hit(0, 5);
  lru.hit(0, 6);
  for (std::size_t number = 1; number < 10; ++number) CHECK(lru.evict() == number);
  CHECK(lru.evict() == 0);
}

TEST_CASE("after lru mode flat the other lists empty into the one") {
  Lru lru;
  for (std::size_t number = 0; number < 100; ++number) lru.insert(number);
  REQUIRE(lru.count(kHot) > 0);
  lru.tuning().flat = true;
  lru.lru().maintain(200, 1000);
  CHECK(lru.count(kHot) == 0);
  CHECK(lru.count(kCold) == 100);
  lru.tuning().flat = false;
  lru.insert(100);
  CHECK(lru.count(kHot) == 1);
}

}  // namespace ringcache::store
