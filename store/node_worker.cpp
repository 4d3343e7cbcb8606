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
  if (next_seen_ == &entry) next_seen_ = entry.next;
  if (entry.next != nullptr) entry.next->previous = entry.previous;
  (entry.previous != nullptr ? entry.previous->next : first_) = entry.next;
}

std::unique_ptr<ArrivingBlock> NodeWorker::take_arriving(net::TimerQueue& timers) {
  if (spare_arriving.empty()) return std::make_unique<ArrivingBlock>(timers);
  std::unique_ptr<ArrivingBlock> block = std::move(spare_arriving.back());
  spare_arriving.pop_back();
  return block;
}

void NodeWorker::give_arriving(std::unique_ptr<ArrivingBlock> block) {
  block->timer.cancel();
  block->due_ns = 0;
  block->lent_bytes = 0;
  block->swallow_bytes = 0;
  if (spare_arriving.size() < kSpareArrivingMax) spare_arriving.push_back(std::move(block));
}

void NodeWorker::count_authentication(protocol::AuthVerdict verdict,
                                      const net::Connection& connection) {
  using protocol::AuthVerdict;
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
