// What a reader holds: ItemView (a look, for the length of a batch) and ItemRef (a pin, as long as
// it takes).
//
// ItemView: two pointers, copied freely, owns nothing. Valid until the thread that got it ends its
// batch or makes its next call (but for those that store.h lists), whichever is first. The value
// never changes under it; cas, expiry and the hit bits are read at the moment of the call.
//
// ItemRef: move-only. Keeps the item's chunks from reuse until it is destroyed, on any thread, even
// after the item was replaced, deleted or evicted, so that a large value can be sent by gathered
// write while the client takes its time. Must not outlive its Store. A pinned item's memory counts
// against memory_bytes: bound what is pinned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "store/item.h"
#include "store/region.h"

namespace ringcache::store {

class ItemView {
 public:
  ItemView() = default;
  ItemView(const Item* item, const Region* region) : item_(item), region_(region) {}

  explicit operator bool() const { return item_ != nullptr; }

  std::string_view key() const { return item_->key(); }
  bool key_is_binary() const { return item_->key_is_binary(); }
  std::uint32_t client_flags() const { return item_->client_flags(); }
  std::uint32_t value_bytes() const { return item_->value_bytes(); }
  // Acquire: whoever sees the cas of an invalidation also sees the stale mark set before it.
  std::uint64_t cas() const { return item_->cas.load(std::memory_order_acquire); }
  Seconds expiry() const { return item_->expiry.load(std::memory_order_relaxed); }

  // The value in pieces. Most values are one piece; a chained one has several.
  bool is_one_piece() const { return !item_->chained(); }
  // The whole value. REQUIRES is_one_piece().
  std::string_view value() const { return item_->head_value(); }
  // Copies the whole value to `to`, which has room for value_bytes().
  void copy_value(char* to) const;
  // Fills `pieces` with the pieces from byte `offset` on, as many as fit; returns how many.
  std::size_t pieces(std::size_t offset, std::span<std::string_view> pieces) const;

  const Item* item() const { return item_; }

 private:
  const Item* item_ = nullptr;
  const Region* region_ = nullptr;
};

class ItemRef {
 public:
  ItemRef() = default;
  ItemRef(ItemRef&& other) noexcept : view_(std::exchange(other.view_, {})) {}
  ItemRef& operator=(ItemRef&& other) noexcept {
    if (this != &other) {
      reset();
      view_ = std::exchange(other.view_, {});
    }
    return *this;
  }
  ~ItemRef() { reset(); }

  // Empty when the item could not be pinned: it is smaller than StoreOptions::pin_bytes_min (copy
  // it instead).
  explicit operator bool() const { return static_cast<bool>(view_); }
  const ItemView& view() const { return view_; }
  const ItemView* operator->() const { return &view_; }
  // True: nobody else pins the item any more.
  bool reset();

 private:
  friend class StoreThread;
  explicit ItemRef(ItemView pinned) : view_(pinned) {}

  ItemView view_;
};

}  // namespace ringcache::store
