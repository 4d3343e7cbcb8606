// Helpers of the store's tests; first of all a Store with one thread in one batch, and short names
// for its operations.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "store/region.h"
#include "store/store.h"

namespace ringcache::store {

inline std::string numbered(std::string_view prefix, std::uint64_t number) {
  std::string name(prefix);
  return name += std::to_string(number);
}

struct StoreFixture {
  explicit StoreFixture(const StoreOptions& options = {}) : store(options), thread(store.thread()) {
    thread.begin_batch();
  }
  ~StoreFixture() { thread.end_batch(); }

  StoreResult put(std::string_view key, std::string_view value, const StoreOperands& operands = {},
                  ItemAttributes attributes = {}) {
    return thread.store(store.hashed(key), attributes, value, operands, now);
  }
  bool set(std::string_view key, std::string_view value, Seconds expiry = kNever) {
    return put(key, value, {}, {0, expiry, false}).status == StoreStatus::kStored;
  }
  // The value, or "(miss)".
  std::string get(std::string_view key) { return text(thread.get(store.hashed(key), now)); }
  static std::string text(const ItemView& view) {
    if (!view) return "(miss)";
    std::string value(view.value_bytes(), '\0');
    view.copy_value(value.data());
    return value;
  }
  std::uint64_t cas(std::string_view key) { return thread.debug(store.hashed(key), now)->cas; }
  MetaGetResult meta_get(std::string_view key, const MetaGetOptions& options = {}) {
    return thread.meta_get(store.hashed(key), options, now);
  }
  DeleteStatus remove(std::string_view key, const DeleteOperands& operands = {}) {
    return thread.remove(store.hashed(key), operands, now).status;
  }
  ArithmeticResult arithmetic(std::string_view key, const ArithmeticOperands& operands = {}) {
    return thread.arithmetic(store.hashed(key), operands, now);
  }
  StoreTotals totals() const { return store.stats(now).totals; }
  StoreCounters counters() const { return store.stats(now).counters; }
  // A new batch: what was unlinked can be reused.
  void next_batch() {
    thread.end_batch();
    thread.begin_batch();
  }

  Store store;
  StoreThread thread;
  Seconds now = 100;
};

// All that the maintenance thread does, once.
inline SweepResult look_after(Store& store, Seconds now, std::size_t chunks) {
  store.maintain(now);
  store.prepare_memory();
  return store.sweep(now, chunks);
}

// Whether the system can make memory ready ahead of its use; says so if not.
inline bool can_prepare() {
  const Mapping mapping(2 * kHugePageBytes);
  const bool can =
      prepare_huge_page(mapping.data(), HugePageUse::kOnce) != PrepareStatus::kUnsupported;
  if (!can) MESSAGE("SKIPPED: the system cannot make memory ready");
  return can;
}

// A value of `bytes` bytes that only this key and version have, checkable at every byte.
inline char byte_of(std::uint64_t key, std::uint64_t version, std::size_t at) {
  const std::uint64_t mixed = (key * 0x9E3779B97F4A7C15 ^ version * 0xC2B2AE3D27D4EB4F) + at * 7;
  return static_cast<char>('!' + (mixed ^ mixed >> 17) % 90);
}

inline std::string value_of(std::uint64_t key, std::uint64_t version, std::size_t bytes) {
  std::string value(bytes, '\0');
  for (std::size_t at = 0; at < bytes; ++at) value[at] = byte_of(key, version, at);
  return value;
}

}  // namespace ringcache::store
