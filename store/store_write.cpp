// StoreThread: storing, deleting, counting, flushing. All under the arena's lock.
#include <charconv>
#include <cstring>
#include <string_view>

#include "store/arena.h"
#include "store/decimal.h"
#include "store/store.h"
#include "store/store_decision.h"

namespace ringcache::store {
namespace {

// A value up to this size is copied under the lock, which costs less than to take it twice.
constexpr std::size_t kCopyUnderLockMax = 4096;

ItemAttributes attributes_of(const Item& item) {
  return {item.client_flags(), item.expiry.load(std::memory_order_relaxed), item.key_is_binary()};
}

// Appends the whole value of `from`.
void write_value(Reservation& to, const ItemView& from) {
  std::size_t offset = 0;
  while (offset < from.value_bytes()) {
    std::string_view pieces[16];
    const std::size_t count = from.pieces(offset, pieces);
    for (std::size_t at = 0; at < count; ++at) {
      to.write(pieces[at]);
      offset += pieces[at].size();
    }
  }
}

}  // namespace

Reservation StoreThread::reserve_locked(const HashedKey& key, const ItemAttributes& attributes,
                                        std::uint64_t value_bytes, Seconds now, ArenaLock* lock) {
  prefetch(key);  // for the commit, while room is made and the value is copied
  Item* item = arena_->make_item(key.bytes, attributes, value_bytes, now, nullptr, lock);
  if (item != nullptr) return arena_->reservation(*item, key.hash);
  state_->counters.store_no_memory.add();
  Reservation refused;
  refused.status_ = ReserveStatus::kNoMemory;
  return refused;
}

bool StoreThread::refuse_too_large(const HashedKey& key, const ItemAttributes& attributes,
                                   std::uint64_t value_bytes) {
  if (!arena_->too_large(key.bytes, attributes.client_flags, value_bytes)) return false;
  state_->counters.store_too_large.add();
  return true;
}

Reservation StoreThread::reserve(const HashedKey& key, const ItemAttributes& attributes,
                                 std::uint64_t value_bytes, Seconds now) {
  if (refuse_too_large(key, attributes, value_bytes)) {
    Reservation refused;
    refused.status_ = ReserveStatus::kTooLarge;
    return refused;
  }
  ArenaLock lock(*arena_);
  return reserve_locked(key, attributes, value_bytes, now, &lock);
}

StoreResult StoreThread::store(const HashedKey& key, const ItemAttributes& attributes,
                               std::string_view value, const StoreOperands& operands, Seconds now) {
  if (value.size() > kCopyUnderLockMax) {
    Reservation reservation = reserve(key, attributes, value.size(), now);
    if (!reservation) {
      return {reservation.status() == ReserveStatus::kTooLarge ? StoreStatus::kTooLarge
                                                               : StoreStatus::kNoMemory,
              0};
    }
    reservation.write(value);
    return commit(std::move(reservation), operands, now);
  }
  if (refuse_too_large(key, attributes, value.size())) return {StoreStatus::kTooLarge, 0};
  ArenaLock lock(*arena_);
  Reservation reservation = reserve_locked(key, attributes, value.size(), now, nullptr);
  if (!reservation) return {StoreStatus::kNoMemory, 0};
  reservation.write(value);
  return commit_locked(reservation, operands, now);
}

StoreResult StoreThread::commit(Reservation reservation, const StoreOperands& operands,
                                Seconds now) {
  ArenaLock lock(*arena_);
  return commit_locked(reservation, operands, now);
}

StoreResult StoreThread::commit_locked(Reservation& reservation, const StoreOperands& operands,
                                       Seconds now) {
  Item& item = *std::exchange(reservation.item_, nullptr);
  const HashedKey key{item.key(), reservation.hash_};
  Item* old = arena_->find_live(key, now);
  const std::uint64_t old_cas = old == nullptr ? 0 : old->cas.load(std::memory_order_relaxed);
  const StoreDecision decision = decide_store(operands, old != nullptr, old_cas);
  count_store(operands, decision, item, old);

  switch (decision.action) {
    case StoreAction::kKeepAndTouch:
      old->set_last_access(now);
      [[fallthrough]];
    case StoreAction::kKeep:
      arena_->free_unlinked(item);
      return {decision.status, 0};
    case StoreAction::kConcatenate:
      return concatenate(item, *old, operands, key.hash, now);
    case StoreAction::kStore:
    case StoreAction::kStoreStale:
      break;
  }
  std::uint8_t marks = 0;
  if (decision.action == StoreAction::kStoreStale) {
    item.expiry.store(old->expiry.load(std::memory_order_relaxed), std::memory_order_relaxed);
    marks = static_cast<std::uint8_t>(kStale | (old->state.marks() & kTokenSent));
  }
  const std::uint64_t cas = operands.cas != 0 ? operands.cas : arena_->next_cas();
  arena_->link(item, key.hash, old, cas, marks, now);
  return {StoreStatus::kStored, cas};
}

void StoreThread::count_store(const StoreOperands& operands, const StoreDecision& decision,
                              const Item& item, const Item* old) {
  state_->counters.cmd_set.add();
  ++arena_->class_state(item).cmd_set;
  const bool is_cas = operands.compare &&
                      (operands.mode == StoreMode::kSet || operands.mode == StoreMode::kReplace);
  if (!is_cas) return;
  if (old == nullptr) {
    state_->counters.cas_misses.add();
  } else if (decision.status == StoreStatus::kStored) {
    state_->counters.cas_hits.add();
    ++arena_->class_state(*old).cas_hits;
  } else {
    state_->counters.cas_badval.add();
    ++arena_->class_state(*old).cas_badval;
  }
}

// Old and new value together, in a new item with the old one's flags and expiry. `added` is freed.
StoreResult StoreThread::concatenate(Item& added, Item& old, const StoreOperands& operands,
                                     std::uint64_t hash, Seconds now) {
  const ItemAttributes attributes = attributes_of(old);
  const std::uint64_t value_bytes = std::uint64_t{old.value_bytes()} + added.value_bytes();
  if (arena_->too_large(old.key(), attributes.client_flags, value_bytes)) {
    state_->counters.store_too_large.add();
    arena_->free_unlinked(added);
    return {StoreStatus::kTooLarge, 0};
  }
  Item* both = arena_->make_item(old.key(), attributes, value_bytes, now, &old, nullptr);
  if (both == nullptr) {
    state_->counters.store_no_memory.add();
    arena_->free_unlinked(added);
    return {StoreStatus::kNoMemory, 0};
  }
  Reservation writer = arena_->reservation(*both, hash);
  const bool append = operands.mode == StoreMode::kAppend;
  write_value(writer, view(append ? old : added));
  write_value(writer, view(append ? added : old));
  writer.item_ = nullptr;
  arena_->free_unlinked(added);
  const std::uint64_t cas = operands.cas != 0 ? operands.cas : arena_->next_cas();
  arena_->link(*both, hash, &old, cas, 0, now);
  return {StoreStatus::kStored, cas};
}

DeleteResult StoreThread::remove(const HashedKey& key, const DeleteOperands& operands,
                                 Seconds now) {
  ArenaLock lock(*arena_);
  Item* item = arena_->find_live(key, now);
  if (item == nullptr) {
    state_->counters.delete_misses.add();
    return {DeleteStatus::kNotFound};
  }
  const std::uint64_t old_cas = item->cas.load(std::memory_order_relaxed);
  if (operands.compare && operands.compare_cas != old_cas) {
    state_->counters.delete_misses.add();
    return {DeleteStatus::kExists};
  }
  if (!operands.invalidate) {
    state_->counters.delete_hits.add();
    ++arena_->class_state(*item).delete_hits;
  }
  if (operands.remove_value) {
    item = empty_value(key, *item, operands, now);
    if (item == nullptr) return {DeleteStatus::kNoMemory};
  }
  DeleteResult result{DeleteStatus::kDeleted};
  if (operands.invalidate) {
    invalidate(*item, operands);
  } else if (!operands.remove_value) {
    result.slab_class = arena_->class_of(*item) + 1U;
    result.value_bytes = item->value_bytes();
    arena_->unlink(*item, key.hash);
    arena_->collect();
  }
  return result;
}

// Stale first, then the cas (release): a reader who sees the new cas sees the mark.
void StoreThread::invalidate(Item& item, const DeleteOperands& operands) {
  if (operands.touch) arena_->set_expiry(item, operands.touch_expiry);
  item.state.set_mark(kStale);
  item.state.clear_mark(kTokenSent);
  item.cas.store(operands.cas != 0 ? operands.cas : arena_->next_cas(), std::memory_order_release);
}

Item* StoreThread::empty_value(const HashedKey& key, Item& old, const DeleteOperands& operands,
                               Seconds now) {
  const ItemAttributes attributes{
      operands.client_flags, operands.touch ? operands.touch_expiry : kNever, old.key_is_binary()};
  Item* empty = arena_->make_item(key.bytes, attributes, 0, now, &old, nullptr);
  if (empty == nullptr) {
    state_->counters.store_no_memory.add();
    return nullptr;
  }
  const std::uint64_t old_cas = old.cas.load(std::memory_order_relaxed);
  arena_->link(*empty, key.hash, &old, operands.cas != 0 ? operands.cas : old_cas, 0, now);
  return empty;
}

void StoreThread::discard(const HashedKey& key, Seconds now) {
  ArenaLock lock(*arena_);
  Item* item = arena_->find_live(key, now);
  if (item == nullptr) return;
  arena_->unlink(*item, key.hash);
  arena_->collect();
}

ArithmeticResult StoreThread::arithmetic(const HashedKey& key, const ArithmeticOperands& operands,
                                         Seconds now) {
  ArenaLock lock(*arena_);
  Item* old = arena_->find_live(key, now);
  if (old == nullptr) {
    if (operands.vivify) return write_number(key, operands, operands.initial, nullptr, now);
    (operands.decrement ? state_->counters.decr_misses : state_->counters.incr_misses).add();
    return {};
  }
  ArithmeticResult result;
  result.cas = old->cas.load(std::memory_order_relaxed);
  // memcached looks at the cas after an empty value and before the digits.
  if (old->value_bytes() != 0 && operands.compare && operands.compare_cas != 0 &&
      operands.compare_cas != result.cas) {
    result.status = ArithmeticStatus::kExists;
    return result;
  }
  std::optional<std::uint64_t> value;
  if (!old->chained()) value = parse_decimal(old->head_value());
  if (!value) {
    result.status = ArithmeticStatus::kNotNumeric;
    return result;
  }
  return write_number(key, operands, apply_delta(*value, operands.delta, operands.decrement), old,
                      now);
}

// The number in a new item. One that is not longer than the old value takes its length, padded with
// spaces, and keeps the marks of the old item, as memcached's in-place update does.
ArithmeticResult StoreThread::write_number(const HashedKey& key, const ArithmeticOperands& operands,
                                           std::uint64_t value, Item* old, Seconds now) {
  char digits[kDecimalBytesMax];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const auto length = static_cast<std::size_t>(end - digits);
  const bool keeps_length = old != nullptr && length <= old->value_bytes();
  const std::size_t value_bytes = keeps_length ? old->value_bytes() : length;
  const ItemAttributes attributes =
      old != nullptr ? attributes_of(*old)
                     : ItemAttributes{0, operands.vivify_expiry, operands.key_is_binary};

  ArithmeticResult result;
  Item* item = arena_->make_item(key.bytes, attributes, value_bytes, now, old, nullptr);
  if (item == nullptr) {
    state_->counters.store_no_memory.add();
    result.status = ArithmeticStatus::kNoMemory;
    return result;
  }
  char* to = item->payload() + item->key_bytes;
  std::memcpy(to, digits, length);
  std::memset(to + length, ' ', value_bytes - length);
  if (old != nullptr) {
    result.expiry_before = attributes.expiry;
    if (operands.touch) item->expiry.store(operands.touch_expiry, std::memory_order_relaxed);
    (operands.decrement ? state_->counters.decr_hits : state_->counters.incr_hits).add();
    Arena::ClassState& counts = arena_->class_state(*old);
    ++(operands.decrement ? counts.decr_hits : counts.incr_hits);
  }
  constexpr auto kKept = static_cast<std::uint8_t>(kMarksMask & ~kBinaryKey);
  const auto marks = static_cast<std::uint8_t>(keeps_length ? old->state.marks() & kKept : 0);
  result.status = ArithmeticStatus::kOk;
  result.created = old == nullptr;
  result.value = value;
  result.cas = operands.cas != 0 ? operands.cas : arena_->next_cas();
  arena_->link(*item, key.hash, old, result.cas, marks, now);
  return result;
}

void StoreThread::flush_all(Seconds at, Seconds now) {
  ArenaLock lock(*arena_);
  state_->counters.cmd_flush.add();
  if (at > now) {
    arena_->apply_due_flush(now);
    arena_->spare_generation(now, &lock);
    arena_->flush_later(at);
  } else {
    arena_->flush(now, &lock);
  }
}

}  // namespace ringcache::store
