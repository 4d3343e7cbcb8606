// All watchers of a node: the connections that said `watch`, and how events get to them.
//
//   worker 0: WatchLog --\                                        /--> inbox --> its watchers
//   worker 1: WatchLog ---+--> the collector: event -> line ---> +---> inbox --> its watchers
//   others:   WatchLog --/     every kCollectPeriod               \--> inbox ...
//
// A thread that does something worth telling puts an event into a ring of its own
// (-o worker_logbuf_size) and goes on. The collector, a thread that sleeps while nobody watches,
// empties the rings every kCollectPeriod, or when one is half full (but not more often than once in
// kCollectGapMin), makes each event a line once, and posts the lines to the workers that have
// watchers. A watcher is written to on the worker of its connection, which copies lines to its
// output (-o watcher_logbuf_size). Each of the three is bounded; what does not fit is dropped and
// counted. The worker's part is node_watch_delivery.h.
//
// While nobody watches a class of events, its cost is a relaxed load of the flag that add_worker
// was given, and for evictions that of EvictionSink::wanted.
//
// Threads: as said at the methods. The lock of the list and those of the inboxes are held for
// moving pointers, never across I/O or the formatting of a line.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>

#include "net/connection.h"
#include "net/counter.h"
#include "net/io_threads.h"
#include "store/eviction_sink.h"
#include "store/node_watch_delivery.h"
#include "store/node_watch_log.h"
#include "store/node_watch_options.h"
#include "store/node_watcher.h"

namespace ringcache::store {

// Connections that may watch at once; memcached has 20. The next is told WATCHER_TOO_MANY.
inline constexpr std::size_t kWatchersMax = 128;
// How late a line may leave.
inline constexpr std::chrono::milliseconds kCollectPeriod{50};
// How often at most the rings are read, however full they are.
inline constexpr std::chrono::milliseconds kCollectGapMin{1};
struct WatchFigures {
  std::uint64_t worker_dropped = 0;   // events for which a ring had no room
  std::uint64_t worker_written = 0;   // events put into a ring
  std::uint64_t watcher_skipped = 0;  // lines for which there was no room on the way to a watcher
  std::uint64_t watcher_sent = 0;     // lines given to a watcher's connection
  std::uint64_t delivery_yields = 0;  // turns that ended at kDeliveryBytesPerTurn
  std::uint64_t watchers = 0;
};

class NodeWatchers final : public EvictionSink {
 public:
  explicit NodeWatchers(const WatchOptions& options);
  ~NodeWatchers();  // as stop()
  NodeWatchers(const NodeWatchers&) = delete;
  NodeWatchers& operator=(const NodeWatchers&) = delete;

  // --- before the threads start ---

  // One call for each worker, in their order. `wanted` is kept up to date with the classes that
  // somebody watches; it must live as long as watchers may come and go.
  WatchLog& add_worker(std::atomic<WatchClasses>& wanted);
  void start(net::IoThreads& threads);

  // After the workers have ended. Idempotent.
  void stop();

  // --- on the worker of the connection ---

  // False: kWatchersMax are there. Events from now on reach `watcher`, until remove().
  [[nodiscard]] bool add(NodeWatcher& watcher, net::Connection& connection);
  void remove(NodeWatcher& watcher, net::Connection& connection);

  // --- any thread ---
  std::size_t watcher_buffer_bytes() const { return options_.watcher_buffer_bytes; }
  WatchFigures figures() const;
  void on_evict(const EvictedItem& item, Seconds now) override;

 private:
  struct Worker {
    Worker(WatchLogShared& shared, std::size_t ring_bytes, std::atomic<WatchClasses>& flag)
        : wanted(flag), log(shared, ring_bytes) {}

    std::atomic<WatchClasses>& wanted;
    WatchLog log;
    WatchDelivery delivery;
  };

  void publish_wanted();
  void run();
  // A batch of what the rings have; `more`: it is full and they have more.
  SharedWatchBatch collect(bool& more);
  void hand_out(const SharedWatchBatch& batch);
  void post_delivery(std::size_t index);

  const WatchOptions options_;
  WatchLogShared shared_;
  std::deque<Worker> workers_;  // by index of the thread
  // Threads that are no worker make room only under the store's lock, so one log does for them all.
  WatchLog other_log_;
  net::IoThreads* threads_ = nullptr;
  std::size_t next_ring_ = 0;  // the collector's: whose events come first in the next batch

  mutable std::mutex mutex_;
  std::array<std::size_t, kWatchClassCount> watched_{};  // under mutex_: watchers of each class
  std::size_t watchers_ = 0;                             // under mutex_
  bool stopping_ = false;                                // under mutex_
  std::thread collector_;
};

}  // namespace ringcache::store
