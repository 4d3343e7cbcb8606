// What watchers are told of commands: which items were looked for, and what was stored. Called only
// while somebody watches.
//
// What is found is looked up a moment before the command does the same, so another thread may come
// in between: a log line says what this command most likely saw, an answer what it did see.
#include "store/executor.h"

namespace ringcache::store {

using protocol::Command;
using protocol::Request;

namespace {

FetchOutcome outcome_of(PeekStatus status) {
  switch (status) {
    case PeekStatus::kFound:
      return FetchOutcome::kFound;
    case PeekStatus::kFlushed:
      return FetchOutcome::kFlushed;
    case PeekStatus::kExpired:
      return FetchOutcome::kExpired;
    case PeekStatus::kAbsent:
      break;
  }
  return FetchOutcome::kNotFound;
}

// Of a store that was decided. A sum that is too large, or that there is no room for, is one that
// was not stored.
StoreOutcome outcome_of(StoreStatus status) {
  switch (status) {
    case StoreStatus::kStored:
      return StoreOutcome::kStored;
    case StoreStatus::kExists:
      return StoreOutcome::kExists;
    case StoreStatus::kNotFound:
      return StoreOutcome::kNotFound;
    case StoreStatus::kNotStored:
    case StoreStatus::kTooLarge:
    case StoreStatus::kNoMemory:
      break;
  }
  return StoreOutcome::kNotStored;
}

StoreVerb verb_of(const StoreOperands& operands) {
  switch (operands.mode) {
    case StoreMode::kAdd:
      return StoreVerb::kAdd;
    case StoreMode::kAppend:
      return StoreVerb::kAppend;
    case StoreMode::kPrepend:
      return StoreVerb::kPrepend;
    case StoreMode::kReplace:
      return operands.compare ? StoreVerb::kCas : StoreVerb::kReplace;
    case StoreMode::kSet:
      break;
  }
  return operands.compare ? StoreVerb::kCas : StoreVerb::kSet;
}

std::int64_t ttl_of(Seconds expiry, Seconds now) {
  if (expiry == kNever) return 0;
  return static_cast<std::int64_t>(expiry) - static_cast<std::int64_t>(now);
}

}  // namespace

void Executor::watch_fetch(const HashedKey& key, const PeekResult& found) {
  WatchEvent event;
  event.type = WatchEventType::kItemGet;
  event.fetch = outcome_of(found.status);
  event.slab_class = static_cast<std::uint16_t>(found.slab_class);
  event.value_bytes = found.value_bytes;
  event.fd = client_fd_;
  watch_log_->record(event, key.bytes);
}

// Of the commands without a data block that take one key, each looks for it once; only an ma that
// makes the item looks again, as it stores it like an add.
void Executor::watch_request(const Request& request, const HashedKey& key) {
  if (request.keys().empty()) return;
  const PeekResult found = thread_.peek(key, now_);
  watch_fetch(key, found);
  const bool makes = request.command == Command::kMetaArithmetic && request.meta.has('N') &&
                     found.status != PeekStatus::kFound;
  if (makes) watch_fetch(key, PeekResult{});
}

void Executor::watch_store(const HashedKey& key, const PeekResult& before,
                           const StoreOperands& operands, const ItemAttributes& attributes,
                           std::size_t value_bytes, StoreStatus status) {
  if (is_watched(kWatchFetchers)) watch_fetch(key, before);
  if (!is_watched(kWatchMutations)) return;
  WatchEvent event;
  event.type = WatchEventType::kItemStore;
  event.outcome = outcome_of(status);
  event.verb = verb_of(operands);
  event.fd = client_fd_;
  // What is there now may be another size and live for another time than what came: append.
  const PeekResult after = status == StoreStatus::kStored ? thread_.peek(key, now_) : PeekResult{};
  if (after.status == PeekStatus::kFound) {
    event.slab_class = static_cast<std::uint16_t>(after.slab_class);
    event.value_bytes = after.value_bytes;
    event.ttl_s = ttl_of(after.expiry, now_);
  } else {
    event.slab_class = static_cast<std::uint16_t>(
        store_.slab_class_for(key.bytes.size(), attributes.client_flags, value_bytes));
    event.value_bytes = static_cast<std::uint32_t>(value_bytes);
    event.ttl_s = ttl_of(attributes.expiry, now_);
  }
  watch_log_->record(event, key.bytes);
}

void Executor::watch_refusal(const StoreOperands& operands, const HashedKey& key,
                             StoreStatus status, bool discards) {
  if (is_watched(kWatchMutations)) {
    WatchEvent event;
    event.type = WatchEventType::kItemStore;
    event.outcome =
        status == StoreStatus::kTooLarge ? StoreOutcome::kTooLarge : StoreOutcome::kNoMemory;
    event.verb = verb_of(operands);
    event.fd = client_fd_;
    watch_log_->record(event, key.bytes);
  }
  if (discards && is_watched(kWatchFetchers)) watch_fetch(key);
}

void Executor::watch_created(const HashedKey& key) {
  const PeekResult made = thread_.peek(key, now_);
  WatchEvent event;
  event.type = WatchEventType::kItemStore;
  event.outcome = StoreOutcome::kStored;
  event.verb = StoreVerb::kAdd;
  event.slab_class = static_cast<std::uint16_t>(made.slab_class);
  event.value_bytes = made.value_bytes;
  event.ttl_s = ttl_of(made.expiry, now_);
  event.fd = client_fd_;
  watch_log_->record(event, key.bytes);
}

void Executor::watch_deletion(const HashedKey& key, const DeleteResult& result, bool by_meta) {
  if (result.slab_class == 0) return;  // nothing is gone: what became stale or empty is still there
  WatchEvent event;
  event.type = WatchEventType::kDeletion;
  event.by_meta = by_meta;
  event.slab_class = static_cast<std::uint16_t>(result.slab_class);
  event.value_bytes = result.value_bytes;
  watch_log_->record(event, key.bytes);
}

}  // namespace ringcache::store
