// One connection that said `watch`: what it asked for, and what it could not be sent.
//
// Its buffer is the connection's output, bounded by -o watcher_logbuf_size: a line for which there
// is no room is skipped and counted, and the next one that is sent says before it how many were,
// `skipped=<count>`. So a watcher that does not read costs that many bytes and nobody's time.
//
// Threads: the worker of its connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/write_buffer.h"
#include "store/watch_event.h"

namespace ringcache::store {

class NodeWatcher {
 public:
  // `buffer_bytes`: the most that may wait in the output.
  NodeWatcher(WatchClasses classes, std::size_t buffer_bytes)
      : classes_(classes), buffer_bytes_(buffer_bytes) {}

  WatchClasses classes() const { return classes_; }
  // Events up to this one are older than the watcher.
  void begin_after(std::uint64_t gid) { begin_after_ = gid; }
  bool wants(WatchClasses event_class, std::uint64_t gid) const {
    return (classes_ & event_class) != 0 && gid > begin_after_;
  }

  // True: appended. False: skipped.
  bool offer(std::string_view line, net::WriteBuffer& out);
  // Lines that were lost before they came here.
  void skip(std::uint64_t lines) { skipped_ += lines; }

 private:
  const WatchClasses classes_;
  const std::size_t buffer_bytes_;
  std::uint64_t begin_after_ = 0;
  std::uint64_t skipped_ = 0;  // and not told yet
};

}  // namespace ringcache::store
