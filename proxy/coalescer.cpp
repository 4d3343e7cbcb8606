#include "proxy/coalescer.h"

namespace ringcache::proxy {

bool Coalescer::join(const Get& get, PendingRequest& request) {
  const Slot& slot = slots_[get.key_hash % kSlots];
  PendingRequest* const leader = slot.leader;
  if (leader == nullptr || slot.epoch != get.epoch || slot.command != get.command ||
      slot.pool != get.pool || slot.key != get.key || leader->follower_count >= kFollowersMax) {
    return false;
  }
  leader->add_follower(request);
  return true;
}

// A leader that cannot be joined any more, after a write, makes place for one that can.
void Coalescer::lead(const Get& get, PendingRequest& request) {
  Slot& slot = slots_[get.key_hash % kSlots];
  if (slot.leader != nullptr) {
    if (slot.key != get.key) return;
    end(*slot.leader);
  }
  slot.leader = &request;
  slot.command = get.command;
  slot.pool = get.pool;
  slot.epoch = get.epoch;
  slot.key.assign(get.key);
  request.coalescer = this;
  request.coalescer_slot = get.key_hash % kSlots;
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
