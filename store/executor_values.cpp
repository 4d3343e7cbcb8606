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

void PinPool::append_value(StoreThread& thread, const ItemView& view, net::WriteBuffer& out) {
  const std::size_t bytes = view.value_bytes();
  if (view.item()->large() && budget_.take_pinned(bytes)) {
    if (ItemRef ref = thread.pin(view)) {
      append_pinned(std::move(ref), bytes, out);
      return;
    }
    budget_.give_pinned(bytes);
  }
  append_copied(view, out);
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
  pin.ref.reset();
  budget_.give_pinned(pin.bytes);
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
