// Several threads on one small store: no value is ever torn, crossed or older than one that the
// same key had before, and the store is whole afterwards. Meant for the sanitizers as much as for
// itself.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "tests/store/eviction_policies.h"
#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

constexpr int kThreads = 4;
constexpr std::uint64_t kKeys = 1200;
constexpr Seconds kNow = 100;

// Each key is written and deleted by one thread only, so its versions are ordered, and a read that
// begins after version v was acknowledged must never see less; nor, after a deletion of v, v.
struct Shared {
  Shared(const StoreOptions& options, bool vanishes) : store(options), may_vanish(vanishes) {}

  Store store;
  const bool may_vanish;                                  // else whatever was stored must be found
  std::atomic<Seconds> now{kNow};                         // the background thread moves it on
  std::array<std::atomic<std::uint64_t>, kKeys> least{};  // version that may still be read
  std::atomic<std::uint64_t> increments{0};
  std::atomic<std::uint64_t> wrong{0};
};

// Small ones in the main, chains and pinnable ones among them, and sizes that change the class.
std::size_t bytes_of(std::uint64_t key, std::uint64_t version) {
  const std::uint64_t mixed = (key + version * 31) * 0x9E3779B97F4A7C15 >> 32;
  if (mixed % 16 == 0) return 9000 + mixed % 40000;
  if (mixed % 4 == 0) return mixed % 3000 + 16;
  return mixed % 120 + 16;
}

// version in the first 8 bytes, then bytes that only this key and version have.
std::string make_value(std::uint64_t key, std::uint64_t version) {
  std::string value = value_of(key, version, bytes_of(key, version));
  std::memcpy(value.data(), &version, sizeof version);
  return value;
}

class Client {
 public:
  Client(Shared& shared, std::uint64_t id, std::uint64_t seed)
      : shared_(shared), thread_(shared.store.thread()), id_(id), random_(seed * 97 + id) {}

  void run(int batches) {
    for (int batch = 0; batch < batches; ++batch) {
      now_ = shared_.now.load(std::memory_order_relaxed);
      thread_.begin_batch();
      for (int step = 0; step < 20; ++step) this->step();
      thread_.end_batch();
      if (pinned_) verify(pinned_key_, StoreFixture::text(pinned_.view()), 0);
    }
  }

 private:
  struct Written {
    std::uint64_t version = 0;
    std::uint64_t cas = 0;
  };

  void step() {
    const std::uint64_t key = random_() % kKeys;
    const std::uint64_t own = key - key % kThreads + id_;
    switch (random_() % 14) {
      case 0:
      case 1:
        return write(own, false);
      case 2:
        return write(own, true);
      case 3:
        return write_slowly(own);
      case 4:
        return remove(own);
      case 5:
        return pin(key);
      case 6:
        return count();
      case 7:
        thread_.touch(hashed(key), expiry(), now_);
        return;
      case 8: {
        const std::uint64_t least = shared_.least[key].load(std::memory_order_acquire);
        return verify(key, thread_.get_and_touch(hashed(key), expiry(), now_), least);
      }
      case 9:
        return win(key);
      default:
        return read(key);
    }
  }

  // So far off that it never comes, near enough to be one.
  Seconds expiry() const { return now_ + 1000000; }

  HashedKey hashed(std::uint64_t key) {
    name_ = numbered("stress:", key);
    return shared_.store.hashed(name_);
  }

  // Nobody else writes the key: a cas is never refused, at most the item is gone.
  void write(std::uint64_t key, bool compare) {
    Written& own = written_[key];
    StoreOperands operands;
    operands.compare = compare && own.cas != 0;
    operands.compare_cas = own.cas;
    const StoreResult result =
        thread_.store(hashed(key), {}, make_value(key, own.version + 1), operands, now_);
    const bool is_gone =
        operands.compare && shared_.may_vanish && result.status == StoreStatus::kNotFound;
    if (!is_gone) wrote(key, result);
  }

  void wrote(std::uint64_t key, const StoreResult& result) {
    if (result.status != StoreStatus::kStored) return void(++shared_.wrong);
    Written& own = written_[key];
    own = {own.version + 1, result.cas};
    shared_.least[key].store(own.version, std::memory_order_release);
  }

  void write_slowly(std::uint64_t key) {
    const std::string value = make_value(key, written_[key].version + 1);
    Reservation room = thread_.reserve(hashed(key), {}, value.size(), now_);
    if (!room) return void(++shared_.wrong);
    room.write(std::string_view(value).substr(0, value.size() / 3));
    read(random_() % kKeys);
    if (random_() % 4 == 0) return;  // the client went away
    room.write(std::string_view(value).substr(value.size() / 3));
    wrote(key, thread_.commit(std::move(room), {}, now_));
  }

  void remove(std::uint64_t key) {
    if (!shared_.may_vanish) return;
    if (random_() % 500 == 0) return flush();
    if (random_() % 2 == 0) {
      thread_.remove(hashed(key), {}, now_);
    } else {
      thread_.discard(hashed(key), now_);
    }
    shared_.least[key].store(written_[key].version + 1, std::memory_order_release);
  }

  // Of its own keys the thread knows that nothing was stored since.
  void flush() {
    thread_.flush_all(now_, now_);
    for (const auto& [key, own] : written_) {
      shared_.least[key].store(own.version + 1, std::memory_order_release);
    }
  }

  void read(std::uint64_t key) {
    const std::uint64_t least = shared_.least[key].load(std::memory_order_acquire);
    verify(key, thread_.get(hashed(key), now_), least);
  }

  void win(std::uint64_t key) {
    const std::uint64_t least = shared_.least[key].load(std::memory_order_acquire);
    MetaGetOptions options;
    options.recache = true;
    options.recache_below = 2000000;
    const MetaGetResult result = thread_.meta_get(hashed(key), options, now_);
    if (result.won && result.token_sent) ++shared_.wrong;
    verify(key, result.item, least);
  }

  void pin(std::uint64_t key) {
    pinned_.reset();
    const ItemView view = thread_.get(hashed(key), now_);
    if (!view) return;
    pinned_key_ = key;
    pinned_ = thread_.pin(view);
  }

  // A number that all threads count up from 1.
  void count() {
    ArithmeticOperands operands;
    operands.vivify = true;
    operands.initial = 1;
    const ArithmeticResult result = thread_.arithmetic(shared_.store.hashed("n"), operands, now_);
    if (result.status != ArithmeticStatus::kOk) ++shared_.wrong;
    ++shared_.increments;
    if (shared_.may_vanish) return;
    if (result.value <= counted_) ++shared_.wrong;
    counted_ = result.value;
  }

  void verify(std::uint64_t key, const ItemView& view, std::uint64_t least) {
    if (view) return verify(key, StoreFixture::text(view), least);
    if (!shared_.may_vanish && least > 0) ++shared_.wrong;
  }
  void verify(std::uint64_t key, const std::string& value, std::uint64_t least) {
    std::uint64_t version = 0;
    std::memcpy(&version, value.data(), sizeof version);
    if (value != make_value(key, version) || version < least) ++shared_.wrong;
  }

  Shared& shared_;
  StoreThread thread_;
  std::uint64_t id_;
  std::mt19937_64 random_;
  std::string name_;
  Seconds now_ = kNow;
  std::unordered_map<std::uint64_t, Written> written_;
  ItemRef pinned_;
  std::uint64_t pinned_key_ = 0;
  std::uint64_t counted_ = 0;
};

// Four clients, and a thread that maintains the store in ever later seconds, so that pages move.
void run_clients(Shared& shared, std::uint64_t seed) {
  std::atomic<bool> stop{false};
  std::thread background([&] {
    while (!stop) {
      look_after(shared.store, ++shared.now, 1000);
      const Seconds now = shared.now;
      shared.store.reassign_page(std::nullopt, 1 + now % 70, now);
      shared.store.reassign_page(1 + now * 7 % 70, 1 + now % 70, now);
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> threads;
  for (std::uint64_t id = 0; id < kThreads; ++id) {
    threads.emplace_back([&shared, id, seed] { Client(shared, id, seed).run(1000); });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  background.join();
  CHECK(shared.wrong == 0);
  const std::string wrong = shared.store.check_integrity();
  CHECK_MESSAGE(wrong.empty(), wrong);
}

}  // namespace

TEST_CASE("four threads and a background thread never see a torn, crossed or older value") {
  for_each_policy_and_seed(4, [](std::uint64_t seed, StoreOptions options) {
    options.memory_bytes = seed % 2 == 0 ? 64 * kMiB : 2 * kMiB;  // nothing, or much, is evicted
    Shared shared(options, true);
    run_clients(shared, seed);
    const StoreTotals totals = shared.store.stats(shared.now).totals;
    CHECK(totals.total_malloced <= options.memory_bytes);
    if (seed % 2 == 0) return;
    CHECK(totals.evictions > 0);
    CHECK(totals.slabs_moved > 0);
  });
}

TEST_CASE("four threads find whatever was stored where nothing may be evicted") {
  for_each_policy_and_seed(1, [](std::uint64_t seed, StoreOptions options) {
    options.memory_bytes = 64 * kMiB;
    options.evict = false;
    Shared shared(options, false);
    run_clients(shared, seed);
    CHECK(shared.store.stats(shared.now).totals.evictions == 0);
    StoreThread thread = shared.store.thread();
    thread.begin_batch();
    const ArithmeticResult last = thread.arithmetic(shared.store.hashed("n"), {}, shared.now);
    thread.end_batch();
    CHECK(last.value == shared.increments + 1);
  });
}

// One thread inserts and removes so that the table grows and shrinks all the time; keys that stay
// must be found by the others at every moment.
TEST_CASE("no reader misses a key while buckets are split and merged") {
  StoreOptions options;
  options.memory_bytes = 64 * kMiB;
  Store store(options);
  constexpr int kStay = 2000;
  constexpr int kComeAndGo = 40000;
  {
    StoreThread thread = store.thread();
    thread.begin_batch();
    for (int key = 0; key < kStay; ++key) {
      const std::string name = numbered("stay", key);
      thread.store(store.hashed(name), {}, "x", {}, kNow);
    }
    thread.end_batch();
  }
  std::atomic<bool> stop{false};
  std::atomic<int> missed{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      StoreThread thread = store.thread();
      for (int key = reader; !stop; key = (key + 1) % kStay) {
        thread.begin_batch();
        const std::string name = numbered("stay", key);
        if (!thread.get(store.hashed(name), kNow)) ++missed;
        thread.end_batch();
      }
    });
  }
  StoreThread writer = store.thread();
  const std::size_t before = store.stats(kNow).totals.hash_buckets;
  std::size_t most = 0;
  for (int round = 0; round < 2; ++round) {
    for (int key = 0; key < kComeAndGo; ++key) {
      writer.begin_batch();
      const std::string name = numbered("go", key);
      writer.store(store.hashed(name), {}, "y", {}, kNow);
      writer.end_batch();
    }
    most = store.stats(kNow).totals.hash_buckets;
    for (int key = 0; key < kComeAndGo; ++key) {
      writer.begin_batch();
      const std::string name = numbered("go", key);
      if (writer.remove(store.hashed(name), {}, kNow).status != DeleteStatus::kDeleted) ++missed;
      writer.end_batch();
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(missed == 0);
  CHECK(most > 4 * before);
  CHECK(store.stats(kNow).totals.hash_buckets < most / 2);
  const std::string wrong = store.check_integrity();
  CHECK_MESSAGE(wrong.empty(), wrong);
}

}  // namespace ringcache::store
