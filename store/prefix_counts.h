// `stats detail`: how often keys with each prefix were read, hit, stored and deleted. The prefix is
// what stands before the first delimiter (-D, ':' otherwise); keys without one are not counted.
//
// Off, it costs a command one look at a flag. On, each worker counts in a table of its own, under a
// lock that only a dump or a reset takes beside it, for as long as it takes to copy the table.
//
// Bounded: the workers keep kPrefixesMax prefixes in all, each its share; what comes with others is
// counted as uncounted.
// Source: protocol.txt, "stats detail"; a read counts once for each key, a store for each command
// that asks for one, done or not. Meta commands count like the others.
//
// Threads: set_enabled, dump, reset: any. Table::count: its worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ringcache::store {

// At most some 400 bytes each.
inline constexpr std::size_t kPrefixesMax = 10'000;

class PrefixCounts {
 public:
  enum class Event : std::uint8_t { kHit, kMiss, kStore, kDelete };
  struct Counts {
    std::uint64_t gets = 0;
    std::uint64_t hits = 0;
    std::uint64_t stores = 0;
    std::uint64_t deletes = 0;
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
    using Rows = std::unordered_map<std::string, Counts, Hash, std::equal_to<>>;
    Rows copy() {
      const std::lock_guard lock(mutex_);
      return counts_;
    }

    const PrefixCounts& of_;
    std::atomic<bool> enabled_;
    std::mutex mutex_;
    Rows counts_;
  };

  PrefixCounts(char delimiter, bool enabled) : delimiter_(delimiter), enabled_(enabled) {}

  // For one more worker; lives as long as this. Before the workers start.
  Table& add_worker() { return tables_.emplace_back(*this); }
  std::size_t prefixes_per_worker() const { return kPrefixesMax / tables_.size(); }

  void set_enabled(bool on);
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }

  // "PREFIX <prefix> get <n> hit <n> set <n> del <n>\r\n" for each, by name, without an end.
  std::string dump();
  void reset();
  // Since the start, what was not counted for want of room.
  std::uint64_t uncounted() const { return uncounted_.load(std::memory_order_relaxed); }

 private:
  const char delimiter_;
  std::atomic<bool> enabled_;
  mutable std::atomic<std::uint64_t> uncounted_{0};
  std::list<Table> tables_;
};

}  // namespace ringcache::store
