// From the collector to the watchers of one worker: batches of lines that wait in an inbox, and who
// has had how much of them.
//
//   accept (collector) -> inbox, bounded -> deliver (worker), a part a turn -> outputs of watchers
//
// A turn of the worker's loop carries at most kDeliveryBytesPerTurn for all its watchers together,
// and goes on in the middle of a batch where the last left off, so its other clients wait for that
// and no more. A line that a watcher did not ask for costs kLookedAtBytes of a turn, so that
// watchers of rare events cannot make it long either.
//
// A batch for which the inbox has no room is missed: its lines are counted as skipped for those who
// watched then, and told to each after what was in the inbox before.
//
// Threads: as said at the methods. The lock is held for moving pointers and counting.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/counter.h"
#include "net/write_buffer.h"
#include "store/node_watcher.h"
#include "store/watch_event.h"

namespace ringcache::store {

// Lines of one collection, shared by all workers that deliver them.
struct WatchBatch {
  struct Line {
    std::uint64_t gid;
    std::uint32_t end;  // in text; it begins where the one before ends
    WatchClasses event_class;
  };

  bool is_full() const;
  void add(std::string_view line, std::uint64_t gid, WatchClasses event_class);

  std::string text;
  std::vector<Line> lines;
  WatchClasses classes = 0;  // of any of the lines
};
using SharedWatchBatch = std::shared_ptr<const WatchBatch>;

// Bytes of lines from which on a batch is full; the line that fills it may be beyond.
inline constexpr std::size_t kWatchBatchBytesMax = std::size_t{1} << 20;
// Batches that may wait for one worker; the lines of further ones are skipped for its watchers.
inline constexpr std::size_t kInboxBatchesMax = 4;
// Bytes of lines that a worker gives to its watchers before others have their turn.
inline constexpr std::size_t kDeliveryBytesPerTurn = 128 * 1024;
// What a line costs of these that the watcher did not ask for: looking at 8,192 of them takes about
// as long as copying the rest.
inline constexpr std::size_t kLookedAtBytes = 16;

class WatchDelivery {
 public:
  // --- the collector ---

  // True: deliver() is to be called on the worker. Otherwise it is on its way already, or the inbox
  // is full and the lines are counted as missed.
  [[nodiscard]] bool accept(const SharedWatchBatch& batch);

  // --- on the worker ---

  // Lines for `watcher` are appended to `out`; `flush` is called after those of a turn. All three
  // live until remove().
  void add(NodeWatcher& watcher, net::WriteBuffer& out, std::function<void()> flush);
  void remove(NodeWatcher& watcher);
  // The next part. True: there is more, for another turn.
  [[nodiscard]] bool deliver();

  // --- any thread ---
  bool has_watchers() const { return has_watchers_.load(std::memory_order_relaxed); }
  const net::Counter& sent() const { return sent_; }        // lines appended to an output
  const net::Counter& skipped() const { return skipped_; }  // lines for which there was no room
  const net::Counter& yields() const { return yields_; }    // turns that ended before all was given

 private:
  using LineCounts = std::array<std::uint64_t, kWatchClassCount>;

  struct Seat {
    NodeWatcher* watcher;
    net::WriteBuffer* out;
    std::function<void()> flush;
    std::uint64_t missed = 0;  // lines, and not told yet: they come after those in batches_
  };
  // Where the next part begins: in whose turn, in which batch, at which line and byte of its text.
  struct Place {
    std::size_t seat = 0;
    std::size_t batch = 0;
    std::size_t line = 0;
    std::size_t begin = 0;
  };

  void take_inbox();
  void share_missed(const LineCounts& missed);
  std::size_t deliver_part(const Seat& seat, std::size_t bytes_max);
  void tell_missed(Seat& seat);
  void end_seat();

  std::atomic<bool> has_watchers_{false};
  net::Counter sent_;
  net::Counter skipped_;
  net::Counter yields_;

  // The worker's.
  std::vector<Seat> seats_;
  std::vector<SharedWatchBatch> batches_;  // being delivered
  Place at_;
  bool has_taken_ = false;  // what was in the inbox, and not given it to all

  std::mutex mutex_;
  std::vector<SharedWatchBatch> inbox_;  // under mutex_
  LineCounts missed_{};                  // under mutex_: by class, since they were last shared out
  bool delivering_ = false;              // under mutex_: a delivery is posted or under way
};

}  // namespace ringcache::store
