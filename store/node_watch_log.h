// Where the events of one thread begin: their numbers and times, their ring, their counts.
//
// Threads: record() on the thread that the log belongs to, counters on any; the ring has one
// reader.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <string_view>

#include "net/counter.h"
#include "store/event_ring.h"
#include "store/watch_event.h"

namespace ringcache::store {

// What the logs of one node have in common.
struct WatchLogShared {
  std::atomic<std::uint64_t> last_gid{0};
  // A ring is half full: it should be read before its time. The wake-up may be missed; the reader
  // looks by itself soon.
  std::atomic<bool> pressed{false};
  std::condition_variable wake;
};

class WatchLog {
 public:
  WatchLog(WatchLogShared& shared, std::size_t ring_bytes) : shared_(shared), ring_(ring_bytes) {}

  // Numbers the event, gives it the time, and puts it into the ring; dropped and counted if there
  // is no room. Never waits. Text beyond kWatchTextBytesMax is cut off.
  void record(WatchEvent& event, std::string_view text);

  EventRing& ring() { return ring_; }
  const net::Counter& written() const { return written_; }
  const net::Counter& dropped() const { return dropped_; }

 private:
  WatchLogShared& shared_;
  EventRing ring_;
  net::Counter written_;
  net::Counter dropped_;
};

}  // namespace ringcache::store
