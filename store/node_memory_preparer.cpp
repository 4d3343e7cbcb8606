#include "store/node_memory_preparer.h"

#include <pthread.h>

namespace ringcache::store {

void MemoryPreparer::start(Store& store) {
  thread_ = std::thread([this, &store] { run(store); });
  ::pthread_setname_np(thread_.native_handle(), "memory");
}

void MemoryPreparer::stop() {
  stopping_ = true;
  growth_.fetch_add(1);
  growth_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void MemoryPreparer::wait_until_settled() const {
  for (std::uint32_t seen = settled_; seen != growth_; seen = settled_) settled_.wait(seen);
}

// Where there is no memory to be had just now, that range is left to whoever needs it.
void MemoryPreparer::run(Store& store) {
  while (!stopping_) {
    const std::uint32_t seen = growth_.load();
    PrepareStatus status = PrepareStatus::kPrepared;
    while (status != PrepareStatus::kNothing && !stopping_) {
      status = store.prepare_memory();
      if (status == PrepareStatus::kUnsupported) return;
      if (status == PrepareStatus::kPrepared) prepared_.fetch_add(1);
    }
    settled_ = seen;
    settled_.notify_all();
    if (!stopping_) growth_.wait(seen);
  }
}

}  // namespace ringcache::store
