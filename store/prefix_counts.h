// `stats detail`: how often keys with each prefix were read, hit, stored and deleted. The prefix is
// what stands before the first delimiter (-D, ':' otherwise); keys without one are not counted.
//
// Off, it costs a command one look at a flag. On, each worker counts in a table of its own, under a
// lock that only a listing or a reset takes beside it: a listing for one piece of it, some
// microseconds, in which it copies and allocates nothing; a reset for a swap.
//
// Bounded: the workers keep kPrefixesMax prefixes in all, each its share; what comes with others is
// counted as uncounted.
// Source: protocol.txt, "stats detail"; a read counts once for each key, a store for each command
// that asks for one, done or not. Meta commands count like the others.
//
// Threads: set_enabled, reset: any. Table::count: its worker. A PrefixWalk: its owner's.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/hashed_key.h"

namespace ringcache::store {

// At most some 400 bytes each.
inline constexpr std::size_t kPrefixesMax = 10'000;
// Prefixes that a listing looks at in one piece: copied under the lock of one table, looked up
// under those of the others.
inline constexpr std::size_t kPrefixPieceRows = 32;
// Fewer where there are many tables: so many rows and look-ups together, some ten microseconds.
inline constexpr std::size_t kPrefixPieceLookups = 256;

class PrefixCounts {
 public:
  enum class Event : std::uint8_t { kHit, kMiss, kStore, kDelete };
  struct Counts {
    std::uint64_t gets = 0;
    std::uint64_t hits = 0;
    std::uint64_t stores = 0;
    std::uint64_t deletes = 0;

    Counts& operator+=(const Counts& more) {
      gets += more.gets;
      hits += more.hits;
      stores += more.stores;
      deletes += more.deletes;
      return *this;
    }
  };

  class Table {
   public:
    explicit Table(const PrefixCounts& of) : of_(of), enabled_(of.enabled()) {}
    // Whether to count. A relaxed load of what is its worker's own.
    bool enabled() const { return enabled_.load(std::memory_order_relaxed); }
    void count(std::string_view key, Event event);

   private:
    friend class PrefixCounts;
    struct Hash : std::hash<std::string_view> {
      using is_transparent = void;
    };
    friend class PrefixWalk;
    struct Row {
      Counts counts;
      std::size_t place;  // in `order`
    };
    using Rows = std::unordered_map<std::string, Row, Hash, std::equal_to<>>;
    // Emptied as a whole only, so a place stays a row's until a reset.
    struct Contents {
      Rows rows;
      std::vector<const Rows::value_type*> order;  // as they came
      std::uint64_t resets = 0;                    // how often it was emptied
    };

    const PrefixCounts& of_;
    std::atomic<bool> enabled_;
    mutable std::mutex mutex_;
    Contents contents_;
  };

  PrefixCounts(char delimiter, bool enabled) : delimiter_(delimiter), enabled_(enabled) {}

  // For one more worker; lives as long as this. Before the workers start.
  Table& add_worker() { return tables_.emplace_back(*this); }
  std::size_t prefixes_per_worker() const { return kPrefixesMax / tables_.size(); }

  void set_enabled(bool on);
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }

  // Begins anew; ends the walks that are under way.
  void reset();
  // Since the start, what was not counted for want of room.
  std::uint64_t uncounted() const { return uncounted_.load(std::memory_order_relaxed); }

 private:
  friend class PrefixWalk;
  const char delimiter_;
  std::atomic<bool> enabled_;
  mutable std::atomic<std::uint64_t> uncounted_{0};
  std::deque<Table> tables_;
};

// One prefix with what all workers counted.
struct PrefixRow {
  PrefixCounts::Counts counts;
  std::uint8_t prefix_bytes = 0;
  std::array<char, kKeyBytesMax> bytes;

  std::string_view prefix() const { return {bytes.data(), prefix_bytes}; }
};

// A walk over all prefixes, piece by piece and at any pace. A prefix that a worker had counted when
// the walk began comes exactly once, with what all had counted when it came; one that is new
// meanwhile may come or not. Where it meets a table that was reset meanwhile it ends.
class PrefixWalk {
 public:
  // `counts` must outlive it.
  explicit PrefixWalk(const PrefixCounts& counts);
  PrefixWalk(const PrefixWalk&) = delete;
  PrefixWalk& operator=(const PrefixWalk&) = delete;

  // The next piece: at most kPrefixPieceRows, perhaps none, valid until the next call. Allocates
  // nothing.
  std::span<const PrefixRow> next();
  bool done() const { return done_; }

 private:
  using Table = PrefixCounts::Table;
  // A table as it was when the walk began.
  struct Seen {
    std::size_t rows;
    std::uint64_t resets;
  };
  void skip_ended_tables();
  std::size_t piece_rows() const;
  // Both lock the table. False: it was reset meanwhile.
  bool copy_rows(std::size_t table);
  bool add_counts(std::size_t other);
  // REQUIRES the table's lock.
  bool was_reset(std::size_t table) const;

  const PrefixCounts& of_;
  std::vector<Seen> seen_;  // by table
  std::size_t table_ = 0;
  std::size_t place_ = 0;  // in it
  bool done_ = false;
  std::size_t count_ = 0;  // of rows_
  std::array<PrefixRow, kPrefixPieceRows> rows_;
};

}  // namespace ringcache::store
