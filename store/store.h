// The store: a cache of items in a fixed amount of memory, shared by any number of threads.
//
// Read this first; the rest of the folder is behind it. std only: no clock, no socket, no log.
//
// Threads. One Store, made and destroyed by one thread. Each thread that uses it makes one
// StoreThread and keeps it to itself; methods of Store itself may be called from any thread.
//
// Batches. A thread brackets what it does in one turn of its loop with begin_batch / end_batch: all
// requests of the turn, hundreds of them if so many are there. Every operation must be inside a
// batch; batches of two stores may nest, in the same order in all threads, as one store may wait
// for the end of a batch of the other. A batch must not wait for anything: no I/O, no other lock,
// no other thread. Between batches nothing of the store may be held but ItemRefs and Reservations.
//
// Views. get, get_and_touch and meta_get return an ItemView, valid until the same thread's
// end_batch or its next call of anything but get, debug, pin, pin_again and prefetch, whichever is
// first: copy the value out, or pin it, before going on.
//
// Time is an argument, in seconds on the store's clock (expiry.h), and should never go back.
//
// How it works. Items lie in chunks of slab pages (slab.h) and are found through a hash table that
// grows by one bucket at a time (hash_table.h). Readers take no lock: an item never changes once it
// is linked, and a freed chunk is used again only after all batches that began before have ended
// (epoch.h). Writers take the arena's lock. Each class evicts by a policy (eviction.h) that learns
// of hits from bits that readers set only when they are not set yet; a class in need takes a page
// from another (rebalance.h). Expired items are found on access, before anything is evicted, and by
// `sweep`.
//
// Errors are values. Only the constructor and thread() throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "store/expiry.h"
#include "store/hashed_key.h"
#include "store/huge_pages.h"
#include "store/item_ref.h"
#include "store/operations.h"
#include "store/reservation.h"
#include "store/store_options.h"
#include "store/store_stats.h"
#include "store/walk.h"

namespace ringcache::store {

class Arena;
class ArenaLock;
class StoreThread;
struct StoreDecision;
struct ThreadState;

// What one call of Store::maintain did.
struct MaintainResult {
  std::uint64_t moved = 0;  // items moved between the lists of their classes
  bool pages_wait = false;  // pages have yet to go, as memory_bytes was lowered
};

// What one call of Store::sweep did.
struct SweepResult {
  std::uint64_t checked = 0;    // items looked at
  std::uint64_t reclaimed = 0;  // expired items freed
  bool pass_done = false;       // every page has been visited since the last time this was true
};

// How an order to move a page was taken.
enum class ReassignStatus : std::uint8_t {
  kOk,
  kBusy,      // another page is on its way
  kBadClass,  // no such class
  kNoSpare,   // the class has no page that it could give
  kSame,      // from and to are one class
};

class Store {
 public:
  // Throws std::invalid_argument for an option out of its range, naming it, and std::bad_alloc if
  // the address space is refused. Memory is touched as it is used, not here.
  explicit Store(const StoreOptions& options);
  ~Store();  // every StoreThread, ItemRef and Reservation must be gone
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The options in force, with every 0 replaced by what it stands for.
  const StoreOptions& options() const;

  HashedKey hashed(std::string_view key) const { return {key, hash_bytes(key, hash_seed_)}; }

  // A handle for the calling thread. Throws std::runtime_error when threads_max are alive.
  StoreThread thread();

  // Background work, for one thread that calls both every second or so. The lock is held for a few
  // dozen microseconds at a time.
  //
  // Looks after the lists, moves a page to the class that needs it most, gives back memory.
  MaintainResult maintain(Seconds now);
  // Frees expired and flushed items among the next `budget` chunks, 128 of them at a time.
  SweepResult sweep(Seconds now, std::size_t budget);

  // Makes the next 2 MiB ready that items or table need soon (huge_pages.h), as long as it says
  // kPrepared; for one thread that waits for StoreOptions::growth. No lock is held meanwhile.
  PrepareStatus prepare_memory();

  // The class, as numbered in `stats slabs`, that an item of this shape goes to. REQUIRES a shape
  // that is not too large.
  unsigned slab_class_for(std::size_t key_bytes, std::uint32_t client_flags,
                          std::size_t value_bytes) const;

  // Asks the system for pages of 2 MiB for the items and the hash table from the first touch on: up
  // to 4 MiB more held than is used, and whoever touches new memory waits for 2 MiB of it, longer
  // if memory has to be moved. False: the system has none. Before there are items.
  bool prefer_huge_pages();

  // Counters, totals and classes. Takes the arena's lock for a moment.
  StoreStats stats(Seconds now) const;
  // The same, as if reset_stats had never been called.
  StoreStats stats_since_start(Seconds now) const;
  // `stats reset`: counters count from here again; figures that are state are not touched.
  void reset_stats();

  // `cache_memlimit`: memory_bytes from now on. Items leave at once as others are stored, and with
  // maintain, until what is used is below; freed pages go back to the system. False: less than
  // kMemoryBytesMin, or more than memory_bytes_max. An item still has to fit into half of it.
  bool set_memory_limit(std::size_t bytes, Seconds now);
  std::size_t memory_limit() const;    // in force now, in whole pages
  std::size_t item_bytes_max() const;  // in force now
  // `slabs reassign`: begins to move a page from one class to another, by their numbers in `stats`
  // (from 1); `from` empty = whichever can spare one. Done by what is stored next and by maintain.
  ReassignStatus reassign_page(std::optional<unsigned> from, unsigned to, Seconds now);
  // `slabs automove`: whether pages are balanced between classes (at first they are). A class that
  // has nothing at all takes a page in any case.
  void set_automove(bool on);
  bool automove() const;
  // `lru tune|mode|temp_ttl`. False: out of range, or the policy is not kSegmentedLru.
  bool tune_lru(const LruTuning& tuning);
  LruTuning lru_tuning() const;

  // Visits the live items of the next `budget` chunks (a page costs one more), holding the lock all
  // that time; returns where to go on. See walk.h for what is seen. REQUIRES budget > 0.
  WalkPosition walk(WalkPosition at, std::size_t budget, Seconds now,
                    const ItemVisitor& visit) const;

  // For tests: looks at every page, chunk, list and bucket. Empty when all agree, else what does
  // not. No other thread may use the store meanwhile.
  std::string check_integrity() const;

 private:
  friend class StoreThread;

  std::unique_ptr<Arena> arena_;
  std::uint64_t hash_seed_;
  mutable std::mutex baseline_mutex_;
  StoreStats baseline_;  // what reset_stats found; empty before the first
};

class StoreThread {
 public:
  StoreThread(StoreThread&& other) noexcept;
  StoreThread& operator=(StoreThread&& other) = delete;
  ~StoreThread();  // not inside a batch

  void begin_batch();
  void end_batch();

  // Starts loading the table's line for a key that will be looked up soon; prefetch_item, a little
  // later, the item itself. Optional, worth it when several keys are known ahead.
  void prefetch(const HashedKey& key) const;
  void prefetch_item(const HashedKey& key) const;

  // --- reading ---

  // get, gets. Empty on a miss.
  ItemView get(const HashedKey& key, Seconds now);
  // gat, gats: also sets the expiry.
  ItemView get_and_touch(const HashedKey& key, Seconds expiry, Seconds now);
  // mg.
  MetaGetResult meta_get(const HashedKey& key, const MetaGetOptions& options, Seconds now);
  // me. Counts nothing and marks nothing.
  std::optional<ItemDebug> debug(const HashedKey& key, Seconds now);

  // What is under the key, for a log of it. Counts nothing, marks nothing, removes nothing.
  PeekResult peek(const HashedKey& key, Seconds now) const;

  // Keeps a view beyond its time. Empty if the value is smaller than pin_bytes_min: copy it.
  // `first`: whether nobody else pinned the item.
  ItemRef pin(const ItemView& view, bool* first = nullptr);
  // As pin, but empty too when nobody pins the item yet.
  ItemRef pin_again(const ItemView& view);

  // touch. False on a miss.
  bool touch(const HashedKey& key, Seconds expiry, Seconds now);

  // --- writing ---

  // Room for an item, to be filled and committed. Counts too_large and no_memory.
  Reservation reserve(const HashedKey& key, const ItemAttributes& attributes,
                      std::uint64_t value_bytes, Seconds now);
  // Stores a filled reservation, or not, and consumes it either way.
  // REQUIRES reservation && reservation.remaining() == 0, from the same Store.
  StoreResult commit(Reservation reservation, const StoreOperands& operands, Seconds now);
  // reserve, fill and commit in one: for a value that is at hand.
  StoreResult store(const HashedKey& key, const ItemAttributes& attributes, std::string_view value,
                    const StoreOperands& operands, Seconds now);

  // delete, md.
  DeleteResult remove(const HashedKey& key, const DeleteOperands& operands, Seconds now);
  // Removes an item without counting anything: a `set` that could not be stored must not leave the
  // older value to be read. The caller decides when (memcached: set, and ms in any mode).
  void discard(const HashedKey& key, Seconds now);

  // incr, decr, ma.
  ArithmeticResult arithmetic(const HashedKey& key, const ArithmeticOperands& operands,
                              Seconds now);

  // Every item stored before is gone, none stored after. `at` > now: happens at the first moment
  // of that second, for all that was stored before it; replaces one that is still to come.
  void flush_all(Seconds at, Seconds now);

 private:
  friend class Store;
  StoreThread(Arena* arena, ThreadState* state) : arena_(arena), state_(state) {}

  enum class Miss : std::uint8_t { kAbsent, kExpired, kFlushed };
  Item* look_up(const HashedKey& key, Seconds now, Miss& why);
  void count_hit(const Item& item);
  void count_miss(Miss why);
  ItemView view(const Item& item) const;
  MetaGetResult describe(const Item& item, const MetaGetOptions& options, Seconds now) const;

  // Under the arena's lock.
  Item* touch_locked(const HashedKey& key, Seconds expiry, Seconds now);
  MetaGetResult meta_get_locked(const HashedKey& key, const MetaGetOptions& options, Seconds now);
  MetaGetResult vivify_locked(const HashedKey& key, const MetaGetOptions& options, Seconds now);
  bool refuse_too_large(const HashedKey& key, const ItemAttributes& attributes,
                        std::uint64_t value_bytes);
  Reservation reserve_locked(const HashedKey& key, const ItemAttributes& attributes,
                             std::uint64_t value_bytes, Seconds now, ArenaLock* lock);
  StoreResult commit_locked(Reservation& reservation, const StoreOperands& operands, Seconds now);
  void count_store(const StoreOperands& operands, const StoreDecision& decision, const Item& item,
                   const Item* old);
  StoreResult concatenate(Item& added, Item& old, const StoreOperands& operands, std::uint64_t hash,
                          Seconds now);
  void invalidate(Item& item, const DeleteOperands& operands);
  Item* empty_value(const HashedKey& key, Item& old, const DeleteOperands& operands, Seconds now);
  ArithmeticResult write_number(const HashedKey& key, const ArithmeticOperands& operands,
                                std::uint64_t value, Item* old, Seconds now);

  Arena* arena_;
  ThreadState* state_;
};

}  // namespace ringcache::store
