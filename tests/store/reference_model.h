// What each command makes of one item, as memcached's protocol.txt says it: plain functions on
// values, to compare the store with. `Known` is an item; no item is std::nullopt. cas 0 stands for
// "the next one": whoever compares takes the number from the store and sees that it grows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/decimal.h"
#include "store/operations.h"

namespace ringcache::store::reference {

struct Known {
  std::string value;
  std::uint32_t client_flags = 0;
  Seconds expiry = kNever;
  std::uint64_t cas = 0;
  bool key_is_binary = false;
  bool stale = false;
  bool token_sent = false;
  bool fetched = false;
};

using MaybeKnown = std::optional<Known>;

// What a storing command may answer, and what is there afterwards.
struct Stored {
  StoreStatus status;
  MaybeKnown after;
};

inline Stored store_absent(const Known& fresh, const StoreOperands& operands) {
  const bool is_concat =
      operands.mode == StoreMode::kAppend || operands.mode == StoreMode::kPrepend;
  const bool compares = operands.compare &&
                        (operands.mode == StoreMode::kSet || operands.mode == StoreMode::kReplace);
  if (compares) return {StoreStatus::kNotFound, {}};
  if (operands.mode == StoreMode::kReplace) return {StoreStatus::kNotStored, {}};
  if (is_concat && !operands.append_vivify) return {StoreStatus::kNotStored, {}};
  return {StoreStatus::kStored, fresh};
}

inline Stored store_present(const Known& old, Known fresh, const StoreOperands& operands) {
  if (operands.mode == StoreMode::kAdd) return {StoreStatus::kNotStored, old};
  const bool has_token = operands.compare && operands.compare_cas != 0;
  const bool matches = has_token && operands.compare_cas == old.cas;
  if (operands.mode == StoreMode::kAppend || operands.mode == StoreMode::kPrepend) {
    if (has_token && !matches) return {StoreStatus::kExists, old};
    Known both = old;
    both.value =
        operands.mode == StoreMode::kAppend ? old.value + fresh.value : fresh.value + old.value;
    both.cas = operands.cas;
    both.stale = both.token_sent = both.fetched = false;
    return {StoreStatus::kStored, both};
  }
  if (!operands.compare || matches) return {StoreStatus::kStored, fresh};
  if (!operands.invalidate || !has_token || operands.compare_cas > old.cas) {
    return {StoreStatus::kExists, old};
  }
  fresh.expiry = old.expiry;
  fresh.stale = true;
  fresh.token_sent = old.token_sent;
  return {StoreStatus::kStored, fresh};
}

struct Deleted {
  DeleteStatus status;
  MaybeKnown after;
};

inline Deleted remove_present(Known old, const DeleteOperands& operands) {
  if (operands.compare && operands.compare_cas != old.cas) return {DeleteStatus::kExists, old};
  if (!operands.invalidate && !operands.remove_value) return {DeleteStatus::kDeleted, {}};
  if (operands.remove_value) {
    old.value.clear();
    old.client_flags = operands.client_flags;
    old.expiry = operands.touch ? operands.touch_expiry : kNever;
    old.stale = old.token_sent = old.fetched = false;
    if (operands.cas != 0) old.cas = operands.cas;
  }
  if (operands.invalidate) {
    if (operands.touch) old.expiry = operands.touch_expiry;
    old.stale = true;
    old.token_sent = false;
    old.cas = operands.cas;
  }
  return {DeleteStatus::kDeleted, old};
}

struct Counted {
  ArithmeticStatus status;
  MaybeKnown after;
  std::uint64_t number = 0;
};

inline Counted count_absent(const ArithmeticOperands& operands) {
  if (!operands.vivify) return {ArithmeticStatus::kNotFound, {}};
  Known fresh;
  fresh.value = std::to_string(operands.initial);
  fresh.expiry = operands.vivify_expiry;
  fresh.cas = operands.cas;
  fresh.key_is_binary = operands.key_is_binary;
  return {ArithmeticStatus::kOk, fresh, operands.initial};
}

inline Counted count_present(Known old, const ArithmeticOperands& operands) {
  if (!old.value.empty() && operands.compare && operands.compare_cas != 0 &&
      operands.compare_cas != old.cas) {
    return {ArithmeticStatus::kExists, old};
  }
  const std::optional<std::uint64_t> number = parse_decimal(old.value);
  if (!number) return {ArithmeticStatus::kNotNumeric, old};
  const std::uint64_t sum = apply_delta(*number, operands.delta, operands.decrement);
  std::string text = std::to_string(sum);
  if (text.size() <= old.value.size()) {
    text.resize(old.value.size(), ' ');
  } else {
    old.stale = old.token_sent = old.fetched = false;
  }
  old.value = text;
  old.cas = operands.cas;
  if (operands.touch) old.expiry = operands.touch_expiry;
  return {ArithmeticStatus::kOk, old, sum};
}

// mg of an item that is there. `after` is what it leaves behind.
struct Got {
  bool won;
  Known after;
};

inline Got meta_get_present(Known old, const MetaGetOptions& options, Seconds now) {
  const bool judge_new = options.touch && !options.recache_before_touch;
  const Seconds judged = judge_new ? options.touch_expiry : old.expiry;
  const bool is_due = options.recache && judged != kNever &&
                      std::uint64_t{judged} < std::uint64_t{now} + options.recache_below;
  const bool won = !old.token_sent && (old.stale || is_due);
  if (won) old.token_sent = true;
  if (options.touch) old.expiry = options.touch_expiry;
  if (!options.no_bump) old.fetched = true;
  return {won, old};
}

inline Known vivified(const MetaGetOptions& options) {
  Known fresh;
  fresh.expiry = options.vivify_expiry;
  fresh.cas = options.vivify_cas;
  fresh.key_is_binary = options.vivify_key_is_binary;
  fresh.token_sent = true;
  fresh.fetched = !options.no_bump;
  return fresh;
}

}  // namespace ringcache::store::reference
