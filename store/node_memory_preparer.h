// The thread that makes memory ready before requests need it (huge_pages.h): it waits for the
// store's growth and sleeps otherwise. Where the system can't it says so in the log and ends.
//
// Owned by Node, made before its store and stopped after the workers. start() and stop() on one
// thread.
#pragma once

#include <atomic>
#include <thread>

#include "store/huge_pages.h"
#include "store/store.h"

namespace ringcache::store {

class MemoryPreparer {
 public:
  MemoryPreparer() = default;
  ~MemoryPreparer() { stop(); }
  MemoryPreparer(const MemoryPreparer&) = delete;
  MemoryPreparer& operator=(const MemoryPreparer&) = delete;

  // For StoreOptions::growth.
  GrowthCount& growth() { return growth_; }

  void start(Store& store);
  // Ranges of 2 MiB made ready so far. Any thread.
  std::uint32_t prepared() const { return prepared_; }
  // Until it has looked at all growth so far, or does so no more. Any thread.
  void wait_until_settled() const;
  // Waits for the 2 MiB in hand. Idempotent.
  void stop();

 private:
  void run(Store& store);
  void follow_growth(Store& store);

  GrowthCount growth_{0};
  GrowthCount settled_{0};  // the growth that it has looked at, notified with each change
  std::atomic<std::uint32_t> prepared_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace ringcache::store
