// Random operations against a simple model: whatever the memory, a key's value is the last one
// stored or a miss, the memory bound holds, and every rule of check_integrity does.
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

struct Known {
  std::string value;
  std::uint32_t client_flags = 0;
  Seconds expiry = kNever;
};

class ModelRun {
 public:
  ModelRun(std::uint64_t seed, const StoreOptions& options, std::size_t value_bytes_max)
      : random_(seed), fixture_(options), value_bytes_max_(value_bytes_max) {}

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      this->step();
      if (step % 16 == 0) {
        REQUIRE(fixture_.totals().total_malloced <= fixture_.store.options().memory_bytes);
      }
      if (step % 97 == 0) fixture_.next_batch();
      if (step % 512 == 0) check();
    }
    check();
  }
  std::uint64_t evictions() const { return fixture_.totals().evictions; }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  // Mostly small, sometimes huge: chunks of every class, and chains.
  std::size_t pick_bytes() {
    const std::uint64_t kind = pick(100);
    if (kind < 50) return pick(200);
    if (kind < 80) return pick(3000);
    if (kind < 95) return pick(30000);
    return pick(value_bytes_max_);
  }

  void check() {
    const std::string wrong = fixture_.store.check_integrity();
    REQUIRE_MESSAGE(wrong.empty(), wrong);
  }

  // What the model says is there; nothing if it expired.
  Known* known(const std::string& key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return nullptr;
    if (!is_expired(found->second.expiry, fixture_.now)) return &found->second;
    model_.erase(found);
    return nullptr;
  }
  // The store may have evicted the key: then the model forgets it too. True if both have it.
  bool both_have(const std::string& key) {
    const bool stored = fixture_.thread.debug(fixture_.store.hashed(key), fixture_.now).has_value();
    if (stored) REQUIRE(known(key) != nullptr);
    if (!stored) model_.erase(key);
    return stored;
  }

  void step() {
    const std::string key = numbered("key:", pick(3000));
    switch (pick(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
        return store(key, StoreMode::kSet);
      case 8:
        return store(key, static_cast<StoreMode>(pick(5)));
      case 9:
        return remove(key);
      case 10:
        return count(key);
      case 11:
        return reserve_and_drop(key);
      case 12:
        return touch(key);
      case 13:
        if (pick(20) == 0) flush();
        return;
      case 14:
        if (pick(4) == 0) fixture_.now += static_cast<Seconds>(pick(3));
        return;
      case 15:
        fixture_.store.maintain(fixture_.now, pick(5000));
        return;
      case 16:
        return hold(key);
      default:
        return read(key);
    }
  }

  void store(const std::string& key, StoreMode mode) {
    Known fresh{value_of(pick(1000), ++version_, pick_bytes()),
                pick(2) == 0 ? 0 : static_cast<std::uint32_t>(random_()),
                pick(4) != 0 ? kNever : fixture_.now + static_cast<Seconds>(pick(8))};
    StoreOperands operands;
    operands.mode = mode;
    const bool present = both_have(key);
    const StoreResult result =
        fixture_.put(key, fresh.value, operands, {fresh.client_flags, fresh.expiry, false});
    REQUIRE(result.status != StoreStatus::kNoMemory);
    if (result.status != StoreStatus::kStored) {
      const bool refuses = mode == StoreMode::kAdd ? present : mode != StoreMode::kSet && !present;
      REQUIRE((refuses || result.status == StoreStatus::kTooLarge));
      return;
    }
    if (mode == StoreMode::kAppend || mode == StoreMode::kPrepend) {
      Known& old = model_.at(key);
      old.value = mode == StoreMode::kAppend ? old.value + fresh.value : fresh.value + old.value;
    } else {
      model_[key] = fresh;
    }
  }

  void read(const std::string& key) {
    const ItemView view = fixture_.thread.get(fixture_.store.hashed(key), fixture_.now);
    if (!view) return void(model_.erase(key));
    const Known* expected = known(key);
    REQUIRE(expected != nullptr);
    REQUIRE(view.key() == key);
    REQUIRE(view.client_flags() == expected->client_flags);
    REQUIRE(view.expiry() == expected->expiry);
    REQUIRE(StoreFixture::text(view) == expected->value);
  }

  void remove(const std::string& key) {
    const bool present = both_have(key);
    REQUIRE((fixture_.remove(key) == DeleteStatus::kDeleted) == present);
    model_.erase(key);
  }

  void count(const std::string& key) {
    const std::string number = std::to_string(pick(1000000));
    if (pick(2) == 0 && fixture_.set(key, number)) model_[key] = {number};
    if (!both_have(key)) return;
    ArithmeticOperands operands;
    operands.decrement = pick(2) == 0;
    operands.delta = pick(2000);
    const ArithmeticResult result = fixture_.arithmetic(key, operands);
    if (result.status != ArithmeticStatus::kOk) {
      REQUIRE(result.status == ArithmeticStatus::kNotNumeric);
      return;
    }
    std::string text = std::to_string(result.value);
    std::string& old = model_.at(key).value;
    if (text.size() < old.size()) text.resize(old.size(), ' ');
    old = text;
  }

  void touch(const std::string& key) {
    const bool present = both_have(key);
    const Seconds expiry = fixture_.now + static_cast<Seconds>(pick(10));
    REQUIRE(fixture_.thread.touch(fixture_.store.hashed(key), expiry, fixture_.now) == present);
    if (present) model_[key].expiry = expiry;
  }

  void flush() {
    fixture_.thread.flush_all(fixture_.now, fixture_.now);
    model_.clear();
  }

  void reserve_and_drop(const std::string& key) {
    Reservation reservation =
        fixture_.thread.reserve(fixture_.store.hashed(key), {}, pick_bytes(), fixture_.now);
    if (!reservation) return;
    reservation.write(std::string(reservation.remaining() / 2, 'x'));
    if (pick(2) == 0) dropped_later_.push_back(std::move(reservation));
    if (dropped_later_.size() > 3) dropped_later_.erase(dropped_later_.begin());
  }

  // Pins an item across whatever comes, then compares.
  void hold(const std::string& key) {
    if (pinned_) {
      REQUIRE(StoreFixture::text(pinned_.view()) == pinned_value_);
      pinned_.reset();
    }
    const ItemView view = fixture_.thread.get(fixture_.store.hashed(key), fixture_.now);
    if (!view) return void(model_.erase(key));
    pinned_value_ = StoreFixture::text(view);
    pinned_ = fixture_.thread.pin(view);
  }

  std::mt19937_64 random_;
  StoreFixture fixture_;
  std::size_t value_bytes_max_;
  std::map<std::string, Known> model_;
  std::vector<Reservation> dropped_later_;
  ItemRef pinned_;
  std::string pinned_value_;
  std::uint64_t version_ = 0;
};

}  // namespace

TEST_CASE("random operations agree with a model at every memory size") {
  std::uint64_t evictions = 0;
  for (const std::size_t mib : {1, 2, 4, 16, 64}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CAPTURE(mib);
      CAPTURE(seed);
      StoreOptions options;
      options.memory_bytes = mib * kMiB;
      options.hash_seed = seed;
      // Room for what may be held at once: a pinned item, four reservations, an append.
      options.item_bytes_max = std::min(kMiB, options.memory_bytes / 16);
      ModelRun run(seed * 1000 + mib, options, options.item_bytes_max);
      run.run(6000);
      evictions += run.evictions();
    }
  }
  CHECK(evictions > 1000);
}

TEST_CASE("random operations agree with a model with other options") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    StoreOptions options;
    options.memory_bytes = 3 * kMiB;
    options.page_bytes = std::size_t{16384} << seed % 3;
    options.growth_factor = 1.0 + 0.1 * static_cast<double>(seed);
    options.pin_bytes_min = 100;
    options.hot_percent = static_cast<unsigned>(seed * 10);
    options.item_bytes_max = options.memory_bytes / 16;
    ModelRun run(seed, options, options.item_bytes_max);
    run.run(8000);
  }
}

}  // namespace ringcache::store
