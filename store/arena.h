// One owner of memory: region, slabs, table, lists and counters behind one lock. Store has one.
//
// Reading functions (marked so) may run in any thread inside a batch, without the lock. All others
// need the lock, an ArenaLock. Nobody outside store/ includes this.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/access_clock.h"
#include "store/eviction.h"
#include "store/hash_table.h"
#include "store/hashed_key.h"
#include "store/item_ref.h"
#include "store/operations.h"
#include "store/rebalance.h"
#include "store/reclaimer.h"
#include "store/region.h"
#include "store/reservation.h"
#include "store/slab.h"
#include "store/store.h"
#include "store/store_options.h"
#include "store/store_stats.h"
#include "store/thread_state.h"

namespace ringcache::store {

class ArenaLock;

// Unlinked chunks that a thread which only deletes lets wait.
inline constexpr std::size_t kCollectChunksMin = 64;

class Arena {
 public:
  explicit Arena(const StoreOptions& options);  // options resolved

  // --- reading ---
  const Region& region() const { return region_; }
  const StoreOptions& options() const { return options_; }
  const std::atomic<Epoch>& epoch() const { return reclaimer_.epoch(); }
  const HashTable& table() const { return table_; }
  ClassIndex class_of(const Item& item) const { return slabs_.class_of(region_.ref(&item)); }
  Item* find(const HashedKey& key) const;
  // Loads the generation after the item was found: an item stored after a flush is never taken for
  // one stored before.
  bool is_flushed(const Item& item) const {
    return item.generation() != generation_.load(std::memory_order_acquire);
  }
  const AccessClock& clock() const { return clock_; }
  bool is_dead(const Item& item, Seconds now) const {
    return is_expired(item.expiry.load(std::memory_order_relaxed), now) || flush_is_due(now) ||
           is_flushed(item);
  }
  // Everything that can be found was stored before a flush that has come due. Acquire: whoever sees
  // that it is not due any more sees the generation that the flush began.
  bool flush_is_due(Seconds now) const {
    const Seconds at = flush_at_.load(std::memory_order_acquire);
    return at != kNever && now >= at;
  }
  std::size_t item_bytes(const Item& item) const {
    return item.prefix_bytes() + item.key_bytes + item.value_bytes();
  }

  // --- items (arena_items.cpp) ---
  void apply_due_flush(Seconds now);
  // Everything stored before is dead. With `lock`, it is let go from time to time.
  void flush(Seconds now, ArenaLock* lock);
  // Sees to it that a flush finds a generation to begin without having to sweep. A flush that is
  // still to come keeps it: only another flush, which takes its place, can begin it first.
  void spare_generation(Seconds now, ArenaLock* lock);
  void flush_later(Seconds at) { flush_at_.store(at, std::memory_order_relaxed); }
  std::uint64_t next_cas() { return ++last_cas_; }
  // The live item under the key, or nullptr; one that is dead is removed.
  Item* find_live(const HashedKey& key, Seconds now);
  // Enters a new item, in place of `old` if that is given. `marks` are its first ones, beside
  // kBinaryKey.
  void link(Item& item, std::uint64_t hash, Item* old, std::uint64_t cas, std::uint8_t marks,
            Seconds now);
  void unlink(Item& item, std::uint64_t hash);
  void unlink_evicted(Item& item, std::uint64_t hash);
  void unlink(Item& item) { unlink(item, hash_bytes(item.key(), options_.hash_seed)); }
  void remove_dead(Item& item, std::uint64_t hash, Seconds now);
  void set_expiry(Item& item, Seconds expiry);

  // --- memory (arena_memory.cpp) ---
  struct Shape {
    std::size_t item_bytes = 0;
    std::uint32_t head_value_bytes = 0;
    bool large = false;
    ClassIndex head_class = 0;
  };
  // REQUIRES key.size() + value_bytes <= kItemBytesMaxLimit.
  Shape shape(std::size_t key_bytes, bool client_flags, std::size_t value_bytes) const;
  bool too_large(std::string_view key, std::uint32_t client_flags, std::uint64_t value_bytes) const;
  // An unlinked item with room for its value; nullptr: nothing can be evicted. `held` stays in
  // place. With `lock`, it is let go from time to time.
  Item* make_item(std::string_view key, const ItemAttributes& attributes, std::size_t value_bytes,
                  Seconds now, const Item* held, ArenaLock* lock);
  void free_unlinked(Item& item) { reclaimer_.free_unlinked(item); }
  // Frees what was unlinked, if that is much by now: for those who unlink and take nothing.
  void collect() {
    if (reclaimer_.chunks() >= kCollectChunksMin) reclaimer_.reclaim(own_slot());
  }
  Reservation reservation(Item& item, std::uint64_t hash);
  void count_out_of_memory(ClassIndex at) { ++classes_[at].out_of_memory; }

  // --- background, figures, tests ---
  MaintainResult maintain(Seconds now);                // takes the lock itself
  SweepResult sweep(Seconds now, std::size_t budget);  // takes the lock itself
  PrepareStatus prepare_memory();                      // takes the lock itself
  bool prefer_huge_pages();                            // before the threads
  StoreStats raw_stats(Seconds now) const;
  WalkPosition walk(WalkPosition at, std::size_t budget, Seconds now,
                    const ItemVisitor& visit) const;  // takes the lock itself
  // As Store's functions of these names.
  bool set_memory_limit(std::size_t bytes, Seconds now);
  std::size_t memory_limit() const;
  std::size_t item_bytes_max() const { return item_bytes_max_.load(std::memory_order_relaxed); }
  ReassignStatus reassign_page(std::optional<ClassIndex> from, ClassIndex to, Seconds now);
  void set_automove(bool on);
  bool automove() const;
  bool tune_lru(const LruTuning& tuning);
  LruTuning lru_tuning() const;
  std::string check_integrity() const;

  ThreadState* add_thread();
  void remove_thread(ThreadState* thread);

  // Per class, counted by writers.
  struct ClassState {
    std::unique_ptr<EvictionPolicy> policy;
    std::size_t items = 0;                 // linked
    std::size_t bytes = 0;                 // of its items
    Seconds min_expiry = kNothingExpires;  // no item of the class expires before
    Seconds expiry_pause = 0;              // in this second a search for expired items found few
    std::uint64_t evictions_seen = 0;      // when pages were balanced by age last
    double waste = 0;                      // of its next victims, a running mean
    std::uint64_t cmd_set = 0, delete_hits = 0, incr_hits = 0, decr_hits = 0;
    std::uint64_t cas_hits = 0, cas_badval = 0;
    std::uint64_t evicted = 0, evicted_nonzero = 0, evicted_unfetched = 0, evicted_active = 0;
    std::uint64_t evicted_time = 0, out_of_memory = 0, reclaimed = 0, expired_unfetched = 0;
    std::uint64_t expired = 0, crawler_reclaimed = 0, crawler_checked = 0;
  };
  ClassState& class_state(const Item& item) { return classes_[class_of(item)]; }
  const EvictionPolicy& policy(ClassIndex at) const { return *classes_[at].policy; }

  mutable std::mutex mutex;
  mutable std::atomic<std::uint32_t> waiting{0};  // threads that wait for it
  mutable std::atomic<std::uint64_t> waited{0};   // times that one got it after waiting

 private:
  friend class IntegrityCheck;

  void forget(Item& item);
  ChunkRef take_chunk(ClassIndex at, Seconds now);
  ChunkRef take_or_grow(ClassIndex at);
  ChunkRef take_by_force(ClassIndex at, Seconds now);
  bool add_chain(Item& head, Seconds now, ArenaLock* lock);
  bool evict_one(ClassIndex at, Seconds now);
  void evict(Item& item, Seconds now);
  bool is_held(const Item& item) const;
  static bool has_pin(const Item& item) {
    return item.large() && item.extension().pins.load(std::memory_order_relaxed) != 0;
  }
  bool reclaim_expired(ClassIndex at, Seconds now);
  bool take_page(ClassIndex taker, Seconds now);
  bool empty_a_page(ClassIndex donor, ClassIndex taker, Seconds now);
  bool may_empty(PageIndex page) const;
  void empty_page(PageIndex page, ClassIndex heir, Seconds now);
  PageIndex choose_page(ClassIndex donor, bool to_evict_all, Seconds now);
  // Refills pressures_, one for each class.
  std::span<ClassPressure> pressures(Seconds now);

  // --- moving pages (arena_move.cpp) ---
  // kWait: ask again when readers have passed. kNever: this page can't be emptied.
  enum class Vacated : std::uint8_t { kDone, kWait, kNever };
  struct MoveRoom {
    ChunkRef ref = kNoChunk;
    bool will_be = false;  // if there is none now
  };
  bool begin_move(ClassIndex from, ClassIndex to, Seconds now);
  bool move_is_over();
  bool move_is_late(Seconds now) const;
  void abandon_move();
  bool continue_move(std::size_t chunks_max, Seconds now);
  Vacated vacate(ChunkRef ref, Seconds now);
  bool is_wasteful(const Item& item, Seconds now) const;
  void give_back(ChunkRef ref);
  MoveRoom room_to_move(ClassIndex at, Seconds now);
  void move_item(Item& item, ChunkRef to);
  void move_continuation(Continuation& chunk, ChunkRef to);
  void balance_by_waste(ClassIndex evicted_from, double waste, Seconds now);
  void probe_next_class(ClassIndex at, Seconds now);
  void shed_excess(Seconds now);
  void apply_limit();
  // After the table grew or shrank.
  bool may_prepare_table() const;
  void charge_table() {
    if (!options_.count_table) return;
    if (table_.held_bytes() / options_.page_bytes != table_pages_) apply_limit();
  }

  // Removes the dead items among `count` chunks of the page from chunk `from` on, and lowers the
  // page's min_expiry to that of the others.
  SweepResult sweep_page(PageIndex page, std::uint32_t from, std::uint32_t count, Seconds now);
  void sweep_everything(Seconds now, ArenaLock* lock);
  bool has_spare_generation() const;
  void sweep_slice(Seconds now, std::size_t budget, SweepResult& result);
  bool has_flushed_items() const;
  bool balance_pages(std::span<const std::uint64_t> evictions, Seconds now);
  // The announcement of the batch that the calling thread is in: it frees memory for itself, so its
  // views are dead.
  const EpochSlot* own_slot() const {
    const ThreadState* batch = batch_of_this_thread(*this);
    return batch == nullptr ? nullptr : &batch->epoch;
  }

  StoreOptions options_;
  Region region_;
  AccessClock clock_;
  SlabAllocator slabs_;
  HashTable table_;
  Reclaimer reclaimer_;
  const EvictionContext context_;
  std::vector<ClassState> classes_;
  std::vector<ClassPressure> pressures_;  // scratch

  // Read by every get, written by a flush.
  alignas(64) std::atomic<std::uint8_t> generation_{0};
  std::atomic<Seconds> flush_at_{kNever};

  alignas(64) std::uint64_t last_cas_ = 0;
  std::array<std::size_t, kGenerations> items_by_generation_{};
  std::size_t items_ = 0;
  std::size_t bytes_ = 0;
  std::size_t memory_limit_;
  HugePageUse huge_page_use_ = HugePageUse::kOnce;
  std::size_t table_pages_ = 0;  // that count_table takes away
  std::atomic<std::size_t> item_bytes_max_;
  std::uint64_t total_items_ = 0;
  std::uint64_t direct_reclaims_ = 0;
  std::uint64_t pages_moved_ = 0;
  std::uint64_t items_moved_ = 0;
  const Item* held_ = nullptr;  // must not be evicted: an operation in progress reads it

  PageIndex swept_page_ = 0;  // where sweep goes on
  std::uint32_t swept_chunk_ = 0;
  Seconds balanced_at_ = 0;

  // The page that is being emptied, chunk by chunk.
  struct Move {
    PageIndex page = kNoPage;
    ClassIndex from = kNoClass;
    std::uint32_t next_chunk = 0;
    Seconds began = 0;
  } move_;
  bool automove_;
  std::uint64_t evictions_ = 0;   // when they balance pages by waste
  ClassIndex probed_ = 0;         // whose next victim was looked at last
  std::uint32_t page_drawn_ = 0;  // where choose_page goes on

  std::vector<std::unique_ptr<ThreadState>> threads_;
  ThreadState departed_;  // the sums of threads that are gone
};

// Holds the arena's lock. A thread in a batch that has to wait for the lock withdraws its
// announcement meanwhile, because the holder may be waiting for readers; its views are dead by
// then.
class ArenaLock {
 public:
  explicit ArenaLock(const Arena& arena) : arena_(arena) { lock(); }
  ~ArenaLock() { arena_.mutex.unlock(); }
  ArenaLock(const ArenaLock&) = delete;
  ArenaLock& operator=(const ArenaLock&) = delete;

  // Lets others in, if they wait. A mutex is not fair: whoever unlocks and locks again at once
  // keeps it, so this waits until one of them has had it, or for a moment if they don't come.
  void breathe() {
    if (arena_.waiting.load(std::memory_order_relaxed) == 0) return;
    ThreadState* batch = batch_of_this_thread(arena_);
    if (batch != nullptr) batch->epoch.withdraw();
    const std::uint64_t before = arena_.waited.load(std::memory_order_relaxed);
    arena_.mutex.unlock();
    for (int yields = 0; yields < kBreathYieldsMax; ++yields) {
      if (arena_.waited.load(std::memory_order_relaxed) != before) break;
      std::this_thread::yield();
    }
    arena_.mutex.lock();
    if (batch != nullptr) batch->epoch.announce(arena_.epoch());
  }

 private:
  static constexpr int kBreathYieldsMax = 100;

  void lock() {
    if (arena_.mutex.try_lock()) return;
    ThreadState* batch = batch_of_this_thread(arena_);
    if (batch != nullptr) batch->epoch.withdraw();
    arena_.waiting.fetch_add(1, std::memory_order_relaxed);
    arena_.mutex.lock();
    arena_.waiting.fetch_sub(1, std::memory_order_relaxed);
    arena_.waited.fetch_add(1, std::memory_order_relaxed);
    if (batch != nullptr) batch->epoch.announce(arena_.epoch());
  }

  const Arena& arena_;
};

}  // namespace ringcache::store
