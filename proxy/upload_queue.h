// UploadQueue: the clients of a worker that wait for a connection to pass a large data block on.
//
// Each waits in its own read buffer, unread, so the queue holds no bytes, and is as long as there
// are clients. When a connection becomes free the first who waits for its node tries again; all do
// every kLookAgain, which ends the wait of those whose time is over.
//
// Owned by its UpstreamSet; its worker's thread only.
#pragma once

#include <chrono>
#include <vector>

#include "net/deadline.h"
#include "routing/route_plan.h"

namespace ringcache::proxy {

class ClientSession;

class UploadQueue {
 public:
  static constexpr std::chrono::milliseconds kLookAgain{50};

  explicit UploadQueue(net::TimerQueue& timers);

  void add(routing::Target target, ClientSession& client);
  void remove(const ClientSession& client);
  void wake_first(routing::Target target);
  void wake_all();

 private:
  struct Waiting {
    routing::Target target;
    ClientSession* client;
  };
  std::vector<Waiting> waiting_;
  std::vector<Waiting> woken_;  // scratch
  net::Timer timer_;
};

}  // namespace ringcache::proxy
