#include "store/node_memory_preparer.h"

#include <pthread.h>

#include "net/log.h"

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
  std::uint32_t seen = 0;
  while ((seen = settled_) != growth_ && !ended_) settled_.wait(seen);
}

void MemoryPreparer::run(Store& store) {
  follow_growth(store);
  ended_ = true;
  settled_.fetch_add(1);
  settled_.notify_all();
}

// Where there is no memory to be had just now, that range is left to whoever needs it.
void MemoryPreparer::follow_growth(Store& store) {
  while (!stopping_) {
    const std::uint32_t seen = growth_.load();
    PrepareStatus status = PrepareStatus::kPrepared;
    while (status != PrepareStatus::kNothing && !stopping_) {
      status = store.prepare_memory();
      if (status == PrepareStatus::kUnsupported) {
        net::log_warn("memory is not made ready ahead of its use: the system cannot");
        return;
      }
      if (status == PrepareStatus::kPrepared) prepared_.fetch_add(1);
    }
    settled_ = seen;
    settled_.notify_all();
    if (!stopping_) growth_.wait(seen);
  }
}

}  // namespace ringcache::store
