#include "store/executor_values.h"

#include <array>
#include <string_view>
#include <utility>

namespace ringcache::store {

namespace {

constexpr std::size_t kPiecesAtOnce = 32;

// Calls `use` with each piece of the value, in order.
template <typename Use>
void for_each_piece(const ItemView& view, Use use) {
  std::array<std::string_view, kPiecesAtOnce> pieces;
  std::size_t offset = 0;
  while (offset < view.value_bytes()) {
    const std::size_t count = view.pieces(offset, pieces);
    if (count == 0) return;
    for (std::size_t i = 0; i < count; ++i) {
      use(pieces[i]);
      offset += pieces[i].size();
    }
  }
}

}  // namespace

bool ValueBudget::take(std::atomic<std::size_t>& used, std::size_t max, std::size_t bytes) {
  if (used.fetch_add(bytes, std::memory_order_relaxed) + bytes <= max) return true;
  used.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

bool ValueBudget::take_below(std::atomic<std::size_t>& used, std::size_t max, std::size_t bytes) {
  if (used.fetch_add(bytes, std::memory_order_relaxed) < max) return true;
  used.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

ValueClaim PinPool::claim(StoreThread& thread, const ItemView& view) {
  ValueClaim claim;
  claim.granted_ = true;
  if (!view.item()->large()) return claim;
  claim.ref_ = pin(thread, view);
  if (claim.ref_) return claim;
  const std::size_t bytes = view.value_bytes();
  claim.granted_ = budget_.take_copied(bytes);
  if (claim.granted_) claim.copied_bytes_ = bytes;
  return claim;
}

// The bytes of an item are taken by whoever pins it first and given back by whoever lets go last.
ItemRef PinPool::pin(StoreThread& thread, const ItemView& view) {
  if (ItemRef ref = thread.pin_again(view)) return ref;
  const std::size_t bytes = view.value_bytes();
  if (!budget_.take_pinned(bytes)) return {};
  bool first = false;
  ItemRef ref = thread.pin(view, &first);
  if (!first) budget_.give_pinned(bytes);  // somebody else came in between
  return ref;
}

void PinPool::unpin(ItemRef& ref, std::size_t bytes) {
  if (ref.reset()) budget_.give_pinned(bytes);
}

void PinPool::append_value(ValueClaim claim, const ItemView& view, net::WriteBuffer& out) {
  if (claim.ref_) {
    append_pinned(std::move(claim.ref_), view.value_bytes(), out);
    return;
  }
  append_copied(view, out);
  if (claim.copied_bytes_ == 0) return;
  Pin& pin = take_pin();
  pin.bytes = claim.copied_bytes_;
  pin.slices = 1;
  out.append_mark(&PinPool::release, &pin, nullptr);
}

void PinPool::give_up(ValueClaim claim) {
  budget_.give_copied(claim.copied_bytes_);
  if (claim.ref_) {
    const std::size_t bytes = claim.ref_->value_bytes();
    unpin(claim.ref_, bytes);
  }
}

void PinPool::append_pinned(ItemRef ref, std::size_t bytes, net::WriteBuffer& out) {
  Pin& pin = take_pin();
  pin.ref = std::move(ref);
  pin.bytes = bytes;
  // The output may release a short slice before append_slice returns, hence the one that is ours.
  pin.slices = 1;
  for_each_piece(pin.ref.view(), [&](std::string_view piece) {
    ++pin.slices;
    out.append_slice(piece, &PinPool::release, &pin, nullptr);
  });
  drop(pin);
}

void PinPool::append_copied(const ItemView& view, net::WriteBuffer& out) {
  if (view.is_one_piece()) {
    out.append(view.value());
    return;
  }
  for_each_piece(view, [&](std::string_view piece) { out.append(piece); });
}

void PinPool::release(void* owner, void* /*context*/) {
  Pin& pin = *static_cast<Pin*>(owner);
  pin.pool->drop(pin);
}

void PinPool::drop(Pin& pin) {
  if (--pin.slices > 0) return;
  if (pin.ref) {
    unpin(pin.ref, pin.bytes);
  } else {
    budget_.give_copied(pin.bytes);
  }
  pin.next_free = std::exchange(free_, &pin);
}

PinPool::Pin& PinPool::take_pin() {
  if (free_ == nullptr) {
    pins_.emplace_back();
    pins_.back().pool = this;
    return pins_.back();
  }
  Pin* pin = free_;
  free_ = pin->next_free;
  return *pin;
}

}  // namespace ringcache::store
