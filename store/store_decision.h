// What a storing command does, decided from values alone: memcached's rules for the six text
// commands and for ms with any mixture of M, C and I.
#pragma once

#include <cstdint>

#include "store/operations.h"

namespace ringcache::store {

enum class StoreAction : std::uint8_t {
  kStore,         // enter the new item
  kStoreStale,    // enter it marked stale, with the old one's expiry
  kConcatenate,   // enter the old value and the new one together
  kKeepAndTouch,  // add of a present key: it counts as used
  kKeep,          // change nothing
};

struct StoreDecision {
  StoreAction action;
  StoreStatus status;  // the answer, if the action succeeds
};

// `old_cas`: of the item that is there, when `present`.
constexpr StoreDecision decide_store(const StoreOperands& operands, bool present,
                                     std::uint64_t old_cas) {
  const StoreMode mode = operands.mode;
  const bool is_concat = mode == StoreMode::kAppend || mode == StoreMode::kPrepend;
  if (!present) {
    if (operands.compare && (mode == StoreMode::kSet || mode == StoreMode::kReplace)) {
      return {StoreAction::kKeep, StoreStatus::kNotFound};
    }
    if (mode == StoreMode::kReplace || (is_concat && !operands.append_vivify)) {
      return {StoreAction::kKeep, StoreStatus::kNotStored};
    }
    return {StoreAction::kStore, StoreStatus::kStored};
  }
  if (mode == StoreMode::kAdd) return {StoreAction::kKeepAndTouch, StoreStatus::kNotStored};
  const bool asks = operands.compare && operands.compare_cas != 0;
  const bool matches = asks && operands.compare_cas == old_cas;
  if (is_concat) {
    if (asks && !matches) return {StoreAction::kKeep, StoreStatus::kExists};
    return {StoreAction::kConcatenate, StoreStatus::kStored};
  }
  if (!operands.compare || matches) return {StoreAction::kStore, StoreStatus::kStored};
  if (operands.invalidate && asks && operands.compare_cas < old_cas) {
    return {StoreAction::kStoreStale, StoreStatus::kStored};
  }
  return {StoreAction::kKeep, StoreStatus::kExists};
}

}  // namespace ringcache::store
