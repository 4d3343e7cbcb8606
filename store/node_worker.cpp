#include "store/node_worker.h"

#include <utility>

#include "net/worker.h"

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

void NodeWorker::count_authentication(AuthVerdict verdict, const net::Connection& connection) {
  if (verdict == AuthVerdict::kMalformed || verdict == AuthVerdict::kClose) auth_strays.add();
  if (verdict != AuthVerdict::kGranted && verdict != AuthVerdict::kWrong) return;
  auth_cmds.add();
  if (verdict == AuthVerdict::kGranted) return;
  auth_errors.add();
  if (const auto suppressed = auth_log.admit(connection.worker().now_ns())) {
    net::log_warn("wrong name or password",
                  {{"peer", connection.peer()}, {"suppressed", *suppressed}});
  }
}

}  // namespace ringcache::store
