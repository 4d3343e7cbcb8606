#include "store/segmented_lru.h"

#include <doctest/doctest.h>

#include <vector>

namespace ringcache::store {
namespace {

class Lru {
 public:
  Lru() : region_(64 * 1024), lru_(region_, StoreOptions{}) {}

  // Items are numbered from 0.
  Item& item(std::size_t number) { return *region_.item(region_.ref(number * 64)); }
  void insert(std::size_t number) {
    item(number).hit = 0;
    lru_.on_insert(item(number));
  }
  void hit(std::size_t number, Seconds now) { EvictionPolicy::record_hit(item(number), now); }
  std::size_t list_of_item(std::size_t number) { return list_of(item(number).place.load()); }
  std::size_t number_of(const Item* item) { return region_.offset(region_.ref(item)) / 64; }
  std::size_t evict() {
    Item* victim = lru_.victim();
    lru_.on_remove(*victim);
    victim->place = Place::kLimbo;
    return number_of(victim);
  }
  std::size_t count(std::size_t list) { return lru_.lists().list(list).count; }
  SegmentedLru& lru() { return lru_; }

 private:
  Region region_;
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
  CHECK(lru.lru().victim() == nullptr);
}

TEST_CASE("one read does not save an item, two do") {
  Lru lru;
  for (std::size_t number = 0; number < 10; ++number) lru.insert(number);
  lru.hit(0, 5);
  lru.hit(1, 5);
  lru.hit(1, 6);
  CHECK(lru.item(0).hit == kFetched);
  CHECK(lru.item(1).hit == (kFetched | kActive));
  CHECK(lru.item(1).last_access == 6);
  CHECK(lru.evict() == 0);
  CHECK(lru.evict() == 2);
  CHECK(lru.list_of_item(1) == kWarm);
  CHECK(lru.item(1).hit == kFetched);  // it has to earn the next round
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
    REQUIRE(lru.lru().victim() != nullptr);
    lru.evict();
  }
  CHECK(lru.lru().victim() == nullptr);
}

TEST_CASE("maintain lets old items of hot and warm go to cold") {
  Lru lru;
  for (std::size_t number = 0; number < 50; ++number) {
    lru.insert(number);
    lru.item(number).last_access = static_cast<Seconds>(100 + number);
  }
  const std::size_t hot = lru.count(kHot);
  REQUIRE(hot > 0);
  CHECK(lru.lru().maintain(160, 1000) > 0);
  CHECK(lru.count(kHot) < hot);
}

}  // namespace ringcache::store
