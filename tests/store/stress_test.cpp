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
#include <vector>

#include "tests/store/store_fixture.h"

namespace ringcache::store {
namespace {

constexpr int kThreads = 4;
constexpr std::uint64_t kKeys = 1200;
constexpr Seconds kNow = 100;

// Each key is written by one thread only, so its versions are ordered, and a reader that saw
// version v of a key must never see less afterwards.
struct Shared {
  explicit Shared(const StoreOptions& options) : store(options) {}

  Store store;
  std::array<std::atomic<std::uint64_t>, kKeys> acknowledged{};  // newest version stored
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
      thread_.begin_batch();
      for (int step = 0; step < 20; ++step) this->step();
      thread_.end_batch();
      if (pinned_) verify(pinned_key_, StoreFixture::text(pinned_.view()), 0);
    }
  }

 private:
  void step() {
    const std::uint64_t key = random_() % kKeys;
    const std::uint64_t own = key - key % kThreads + id_;
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2:
        return write(own < kKeys ? own : id_);
      case 3:
        return write_slowly(own < kKeys ? own : id_);
      case 4:
        thread_.remove(hashed(key), {}, kNow);
        return;
      case 5:
        return pin(key);
      case 6:
        return count();
      case 7:
        thread_.touch(hashed(key), kNow + 100, kNow);
        return;
      default:
        return read(key);
    }
  }

  HashedKey hashed(std::uint64_t key) {
    name_ = numbered("stress:", key);
    return shared_.store.hashed(name_);
  }

  void write(std::uint64_t key) {
    const std::uint64_t version = shared_.acknowledged[key].load(std::memory_order_relaxed) + 1;
    const StoreResult result = thread_.store(hashed(key), {}, make_value(key, version), {}, kNow);
    if (result.status != StoreStatus::kStored) ++shared_.wrong;
    shared_.acknowledged[key].store(version, std::memory_order_release);
  }

  void write_slowly(std::uint64_t key) {
    const std::uint64_t version = shared_.acknowledged[key].load(std::memory_order_relaxed) + 1;
    const std::string value = make_value(key, version);
    Reservation room = thread_.reserve(hashed(key), {}, value.size(), kNow);
    if (!room) return void(++shared_.wrong);
    room.write(std::string_view(value).substr(0, value.size() / 3));
    read(random_() % kKeys);
    if (random_() % 4 == 0) return;  // the client went away
    room.write(std::string_view(value).substr(value.size() / 3));
    if (thread_.commit(std::move(room), {}, kNow).status != StoreStatus::kStored) ++shared_.wrong;
    shared_.acknowledged[key].store(version, std::memory_order_release);
  }

  void read(std::uint64_t key) {
    const std::uint64_t least = shared_.acknowledged[key].load(std::memory_order_acquire);
    const ItemView view = thread_.get(hashed(key), kNow);
    if (view) verify(key, StoreFixture::text(view), least);
  }

  void pin(std::uint64_t key) {
    pinned_.reset();
    const ItemView view = thread_.get(hashed(key), kNow);
    if (!view) return;
    pinned_key_ = key;
    pinned_ = thread_.pin(view);
  }

  // A number that all threads count up: no increment may be lost while it is there.
  void count() {
    ArithmeticOperands operands;
    operands.vivify = true;
    operands.initial = 1;
    const ArithmeticResult result = thread_.arithmetic(shared_.store.hashed("n"), operands, kNow);
    if (result.status != ArithmeticStatus::kOk) ++shared_.wrong;
    if (!result.created && result.value <= counted_) ++shared_.wrong;
    counted_ = result.created ? 0 : result.value;
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
  ItemRef pinned_;
  std::uint64_t pinned_key_ = 0;
  std::uint64_t counted_ = 0;
};

}  // namespace

TEST_CASE("four threads and a background thread never see a torn, crossed or older value") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    StoreOptions options;
    options.memory_bytes = seed % 2 == 0 ? 64 * kMiB : 2 * kMiB;  // nothing, or much, is evicted
    options.hash_seed = seed;
    Shared shared(options);
    std::atomic<bool> stop{false};
    std::thread background([&] {
      while (!stop) {
        shared.store.maintain(kNow, 1000);
        std::this_thread::yield();
      }
    });
    std::vector<std::thread> threads;
    for (std::uint64_t id = 0; id < kThreads; ++id) {
      threads.emplace_back([&, id] { Client(shared, id, seed).run(1000); });
    }
    for (std::thread& thread : threads) thread.join();
    stop = true;
    background.join();
    CHECK(shared.wrong == 0);
    CHECK(shared.store.stats(kNow).totals.total_malloced <= options.memory_bytes);
    if (seed % 2 != 0) CHECK(shared.store.stats(kNow).totals.evictions > 0);
    const std::string wrong = shared.store.check_integrity();
    CHECK_MESSAGE(wrong.empty(), wrong);
  }
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
      if (writer.remove(store.hashed(name), {}, kNow) != DeleteStatus::kDeleted) ++missed;
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
