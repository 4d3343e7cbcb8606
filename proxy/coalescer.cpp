#include "proxy/coalescer.h"

namespace ringcache::proxy {

// A key's get and gets have a place each, or they would take turns in one.
std::size_t Coalescer::place(const Get& get) {
  return (get.key_hash ^ (get.command == protocol::Command::kGets ? 1 : 0)) % kSlots;
}

bool Coalescer::join(const Get& get, PendingRequest& request) {
  const Slot& slot = slots_[place(get)];
  PendingRequest* const leader = slot.leader;
  if (leader == nullptr || slot.epoch != get.epoch || !slot.is_for(get) ||
      leader->follower_count >= kFollowersMax) {
    return false;
  }
  leader->add_follower(request);
  return true;
}

void Coalescer::lead(const Get& get, PendingRequest& request) {
  Slot& slot = slots_[place(get)];
  if (slot.leader != nullptr) {
    if (!slot.is_for(get)) return;
    end(*slot.leader);  // which this one could not join
  }
  slot.leader = &request;
  slot.command = get.command;
  slot.pool = get.pool;
  slot.epoch = get.epoch;
  slot.key.assign(get.key);
  request.coalescer = this;
  request.coalescer_slot = place(get);
}

void Coalescer::end(PendingRequest& leader) {
  if (leader.coalescer == nullptr) return;
  leader.coalescer = nullptr;
  slots_[leader.coalescer_slot].leader = nullptr;
}

void Coalescer::end_all() {
  for (Slot& slot : slots_) {
    if (slot.leader != nullptr) end(*slot.leader);
  }
}

}  // namespace ringcache::proxy
