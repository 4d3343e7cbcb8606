// What a session needs only while a data block arrives in several reads, or while a password is
// awaited: taken from its worker for that time, because idle connections are many.
//
// Threads: belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/clock.h"
#include "net/deadline.h"
#include "store/executor.h"

namespace ringcache::store {

class NodeSession;

struct ArrivingBlock {
  explicit ArrivingBlock(net::TimerQueue& timers);

  NodeSession* session = nullptr;   // whose it is
  PendingStore pending;             // of a value that is read into its item
  std::size_t lent_bytes = 0;       // of that value, to the input
  std::uint64_t swallow_bytes = 0;  // of a refused block, still to be dropped
  net::SteadyNs due_ns = 0;         // when all must be there; 0 = no such time
  net::Timer timer;                 // armed for that time
};

}  // namespace ringcache::store
