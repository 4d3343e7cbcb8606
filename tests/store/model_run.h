// One store and a model of it, driven by random commands of every kind. Whatever the memory: a
// key's item is exactly what the last command made of it, or it is absent where that is allowed;
// the memory bound holds; pinned values stay; every rule of check_integrity does.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/store/reference_model.h"
#include "tests/store/store_fixture.h"

namespace ringcache::store {

struct ModelOptions {
  StoreOptions store;
  std::uint64_t keys = 3000;
  std::size_t value_bytes_max = kMiB;  // of an item that no eviction can make room for: not stored
  bool may_vanish = true;              // false: nothing may go but by expiry, delete and flush
  int check_every = 512;               // steps between two calls of check_integrity
};

class ModelRun {
 public:
  ModelRun(std::uint64_t seed, const ModelOptions& options);

  // Ends with a check that nothing was leaked, after which the store is empty.
  void run(int steps);
  std::uint64_t evictions() const { return fixture_.totals().evictions; }
  std::uint64_t refusals() const { return fixture_.counters().store_no_memory; }

 private:
  struct Pinned {
    ItemRef ref;
    std::string value;
  };
  struct Held {
    std::string key;
    reference::Known fresh;
    Reservation reservation;
  };

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  std::string pick_key();
  std::size_t pick_bytes();
  Seconds pick_expiry();
  std::uint64_t pick_cas(const reference::MaybeKnown& before);
  reference::Known pick_item();
  StoreOperands pick_operands(const reference::MaybeKnown& before);

  void step();
  void check();
  void check_totals();
  void end();

  // What is there now: the model and the store have agreed on it.
  reference::MaybeKnown look(const std::string& key);
  // In what the store's item is not the expected one; empty if in nothing.
  std::string difference(const std::string& key, const reference::MaybeKnown& expected);
  bool agrees(const std::string& key, const reference::MaybeKnown& expected) {
    return difference(key, expected).empty();
  }
  void require_agreement(const std::string& key, const reference::MaybeKnown& expected);
  // From now on `after` is there; the store must say the same.
  void settle(const std::string& key, const reference::MaybeKnown& after);
  bool is_past(const reference::Known& known) const {
    return is_expired(known.expiry, fixture_.now);
  }
  HashedKey hashed(const std::string& key) const { return fixture_.store.hashed(key); }

  void store(const std::string& key);
  void judge_store(const std::string& key, const reference::MaybeKnown& before,
                   const reference::Known& fresh, const StoreOperands& operands,
                   const StoreResult& result);
  void set_number(const std::string& key);
  void remove(const std::string& key);
  void discard(const std::string& key);
  void count(const std::string& key);
  void touch(const std::string& key);
  void get_and_touch(const std::string& key);
  void meta_get(const std::string& key);
  void vivify(const std::string& key, const MetaGetOptions& options);
  void read_several(const std::string& key);
  void hold_pin(const std::string& key);
  void release_pin(std::size_t at);
  void hold_reservation(const std::string& key);
  void end_reservation();
  void order_page();
  void advance();
  void flush();

  std::mt19937_64 random_;
  ModelOptions options_;
  StoreFixture fixture_;
  std::map<std::string, reference::Known> model_;
  std::vector<Held> held_;
  std::vector<Pinned> pinned_;
  Seconds flush_at_ = kNever;
  std::uint64_t cas_ = 0;  // the newest that the store chose
  std::uint64_t version_ = 0;
  const char* what_ = "start";  // the command that was tried last
};

}  // namespace ringcache::store
