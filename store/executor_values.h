// How a value gets from the store into a connection's output: small ones are copied, large ones
// stay where they are, pinned, and are sent from there.
//
//   value < pin_bytes_min  -> copied into the output's block
//   larger                 -> one pin, and a slice of the output for each piece of the item:
//
//        Pin { ItemRef, slices: 2 }
//               |            ^------- released by each slice when it has been sent
//        item [ piece 0 ][ piece 1 ]
//
// What is pinned can't be evicted, so the bytes pinned for clients that do not read are bounded
// (ValueBudget), each item counted once however many clients wait for it. Above the bound large
// values are copied too; the copies are bounded as well, and above that the read is refused.
//
// Threads: a PinPool belongs to one worker and outlives its connections; a ValueBudget is shared.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "net/write_buffer.h"
#include "store/item_ref.h"
#include "store/store.h"

namespace ringcache::store {

// Bytes that connections may hold on to: of the store's memory, and in copies. Shared by all
// workers; touched once for each large value, not for small ones.
class ValueBudget {
 public:
  // A quarter of the memory for values on their way out, half for values on their way in: what is
  // left can be evicted. As much as a quarter again, on the heap, for copies. What goes out is
  // admitted while less than the quarter is taken, so the last value may be above it by itself: one
  // that is larger than a quarter of the memory can still be sent.
  explicit ValueBudget(std::size_t memory_bytes)
      : pinned_max_(memory_bytes / 4),
        copied_max_(memory_bytes / 4),
        reserved_max_(memory_bytes / 2) {}

  bool take_pinned(std::size_t bytes) { return take_below(pinned_, pinned_max_, bytes); }
  void give_pinned(std::size_t bytes) { pinned_.fetch_sub(bytes, std::memory_order_relaxed); }
  bool take_copied(std::size_t bytes) { return take_below(copied_, copied_max_, bytes); }
  void give_copied(std::size_t bytes) { copied_.fetch_sub(bytes, std::memory_order_relaxed); }
  bool take_reserved(std::size_t bytes) { return take(reserved_, reserved_max_, bytes); }
  void give_reserved(std::size_t bytes) { reserved_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::size_t pinned_bytes() const { return pinned_.load(std::memory_order_relaxed); }
  std::size_t copied_bytes() const { return copied_.load(std::memory_order_relaxed); }
  std::size_t reserved_bytes() const { return reserved_.load(std::memory_order_relaxed); }

 private:
  static bool take(std::atomic<std::size_t>& used, std::size_t max, std::size_t bytes);
  static bool take_below(std::atomic<std::size_t>& used, std::size_t max, std::size_t bytes);

  const std::size_t pinned_max_;
  const std::size_t copied_max_;
  const std::size_t reserved_max_;
  std::atomic<std::size_t> pinned_{0};
  std::atomic<std::size_t> copied_{0};
  std::atomic<std::size_t> reserved_{0};
};

// Leave to send one value, and how: given before its header is written. False: there is no memory
// for it. Ends with PinPool::append_value or give_up.
class ValueClaim {
 public:
  explicit operator bool() const { return granted_; }

 private:
  friend class PinPool;
  bool granted_ = false;
  ItemRef ref_;                   // pinned
  std::size_t copied_bytes_ = 0;  // or copied, and counted
};

class PinPool {
 public:
  explicit PinPool(ValueBudget& budget) : budget_(budget) {}
  PinPool(const PinPool&) = delete;
  PinPool& operator=(const PinPool&) = delete;

  // Pins the value through `thread` where that is worth it and allowed.
  ValueClaim claim(StoreThread& thread, const ItemView& view);
  // Appends the value of `view` (and no CRLF) to `out`. `view` must be valid, and the one of the
  // claim; it need not stay so.
  void append_value(ValueClaim claim, const ItemView& view, net::WriteBuffer& out);
  void give_up(ValueClaim claim);

 private:
  struct Pin {
    PinPool* pool = nullptr;
    ItemRef ref;
    std::size_t bytes = 0;     // of the item, or, without a ref, of the copy
    std::uint32_t slices = 0;  // appended and not sent, and one more while appending
    Pin* next_free = nullptr;
  };

  static void release(void* owner, void* context);
  void drop(Pin& pin);
  Pin& take_pin();
  ItemRef pin(StoreThread& thread, const ItemView& view);
  void unpin(ItemRef& ref, std::size_t bytes);
  void append_pinned(ItemRef ref, std::size_t bytes, net::WriteBuffer& out);
  static void append_copied(const ItemView& view, net::WriteBuffer& out);

  ValueBudget& budget_;
  std::deque<Pin> pins_;  // never shrinks: as many as were ever in flight at once
  Pin* free_ = nullptr;
};

}  // namespace ringcache::store
