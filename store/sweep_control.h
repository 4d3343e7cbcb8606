// What an administrator says about the sweep for expired items (`lru_crawler`): on or off, one
// round of it now, and how fast that round goes. The sweep itself is node_maintenance.h.
//
// By itself the sweep keeps to a share of a core, whatever is set here. A round that is ordered is
// done at once instead, with a pause after each piece, as memcached's crawler does it.
//
// Threads: any may give orders; one, the maintenance thread, takes them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace ringcache::store {

inline constexpr std::chrono::microseconds kSweepPauseMax{1'000'000};

struct SweepOptions {
  // Whether expired items are looked for at all (-o no_lru_crawler); without, they go when they are
  // asked for, or when their memory is needed.
  bool enabled = true;
  // After each piece of an ordered round (-o lru_crawler_sleep), at most kSweepPauseMax.
  std::chrono::microseconds pause{100};
  // Chunks that an ordered round looks at, for each slab class that has pages; 0 = all
  // (-o lru_crawler_tocrawl). The next order goes on where it ended.
  std::uint64_t items_max = 0;
};

class SweepControl {
 public:
  explicit SweepControl(const SweepOptions& options) : options_(options) {}

  SweepOptions options() const;

  // False: it was on already.
  bool enable();
  void disable();
  void set_pause(std::chrono::microseconds pause);
  void set_items_max(std::uint64_t items);

  // A round that begins now, or after the one in hand. Without effect while disabled.
  void order();
  // Whether an ordered round has yet to end.
  bool ordered() const { return ordered_.load(std::memory_order_relaxed); }

  // --- the maintenance thread ---

  enum class Wake : std::uint8_t { kTime, kOrder, kStop };
  // Waits until something is ordered, or for so long.
  Wake wait(std::chrono::microseconds longest);
  // Within an ordered round: waits for the pause. False: the round is to end, as it was disabled or
  // the node stops.
  bool pause();
  // The round is over, or was cut short.
  void end_round();
  void stop();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  SweepOptions options_;
  std::atomic<bool> ordered_{false};  // written under mutex_
  bool again_ = false;                // ordered while a round was in hand
  bool in_round_ = false;
  bool stopping_ = false;
};

}  // namespace ringcache::store
