// Hears of items as they are evicted. The store calls it (StoreOptions::eviction_sink), so that
// whoever logs evictions need not be part of the engine.
//
// Threads: on_evict runs on whichever thread makes room, a writer or the one in `maintain`, under
// the store's lock: it must not wait, allocate, or call the store. While nobody wants evictions,
// one costs a look at the pointer and at `wanted`.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "store/expiry.h"

namespace ringcache::store {

struct EvictedItem {
  std::string_view key;  // dead after the call
  bool fetched = false;
  Seconds expiry = kNever;
  Seconds last_access = 0;
  unsigned slab_class = 0;  // the number in `stats slabs`
  std::uint32_t value_bytes = 0;
};

class EvictionSink {
 public:
  virtual void on_evict(const EvictedItem& item, Seconds now) = 0;
  // Any thread.
  bool wanted() const { return wanted_.load(std::memory_order_relaxed); }

 protected:
  EvictionSink() = default;
  ~EvictionSink() = default;
  void want(bool wanted) { wanted_.store(wanted, std::memory_order_relaxed); }

 private:
  std::atomic<bool> wanted_{false};
};

}  // namespace ringcache::store
