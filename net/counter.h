#pragma once

#include <atomic>
#include <cstdint>

namespace ringcache::net {

/// A count with one writer and any number of readers. The writer (a worker) pays a plain load and
/// store, no locked instruction; a reader (the scrape) sees some recent value. Never decreases
/// unless it is used as a gauge with set() or sub().
class Counter {
 public:
  /// Owner thread only.
  void add(std::uint64_t count = 1) { set(value() + count); }
  void sub(std::uint64_t count = 1) { set(value() - count); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  /// Any thread.
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace ringcache::net
