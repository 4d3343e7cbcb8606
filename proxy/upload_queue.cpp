#include "proxy/upload_queue.h"

#include <algorithm>

#include "proxy/client_session.h"

namespace ringcache::proxy {

UploadQueue::UploadQueue(net::TimerQueue& timers) : timer_(timers, [this] { wake_all(); }) {}

void UploadQueue::add(routing::Target target, ClientSession& client) {
  if (waiting_.empty()) timer_.after(kLookAgain);
  waiting_.push_back({target, &client});
}

void UploadQueue::remove(const ClientSession& client) {
  std::erase_if(waiting_, [&client](const Waiting& each) { return each.client == &client; });
}

void UploadQueue::wake_first(routing::Target target) {
  const auto first = std::find_if(waiting_.begin(), waiting_.end(), [target](const Waiting& each) {
    return each.target.pool == target.pool && each.target.node == target.node;
  });
  if (first == waiting_.end()) return;
  ClientSession& client = *first->client;
  waiting_.erase(first);
  client.upload_goes_on();
}

// Who still has to wait comes again, in this order.
void UploadQueue::wake_all() {
  woken_.swap(waiting_);
  for (const Waiting& each : woken_) each.client->upload_goes_on();
  woken_.clear();
}

}  // namespace ringcache::proxy
