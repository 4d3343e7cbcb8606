#include "store/node_worker.h"

#include <utility>

namespace ringcache::store {

void SessionList::add(SessionEntry& entry) {
  const std::lock_guard lock(mutex_);
  entry.next = std::exchange(first_, &entry);
  if (entry.next != nullptr) entry.next->previous = &entry;
}

void SessionList::remove(SessionEntry& entry) {
  const std::lock_guard lock(mutex_);
  if (entry.next != nullptr) entry.next->previous = entry.previous;
  (entry.previous != nullptr ? entry.previous->next : first_) = entry.next;
}

std::unique_ptr<PendingStore> NodeWorker::take_pending() {
  if (spare_pending.empty()) return std::make_unique<PendingStore>();
  std::unique_ptr<PendingStore> pending = std::move(spare_pending.back());
  spare_pending.pop_back();
  return pending;
}

void NodeWorker::give_pending(std::unique_ptr<PendingStore> pending) {
  spare_pending.push_back(std::move(pending));
}

}  // namespace ringcache::store
