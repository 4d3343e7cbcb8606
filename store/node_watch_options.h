// How much is kept for those who watch a node. Plain data.
#pragma once

#include <cstddef>

namespace ringcache::store {

struct WatchOptions {
  // Bytes of events that each thread keeps until they are read (-o worker_logbuf_size), 1 KiB to 64
  // MiB. Events beyond it are dropped. Memory is touched only while somebody watches.
  std::size_t worker_log_bytes = 64 * 1024;
  // Bytes of lines that may wait for one watcher (-o watcher_logbuf_size), 1 KiB to 64 MiB. Lines
  // beyond it are skipped.
  std::size_t watcher_buffer_bytes = 256 * 1024;
};

}  // namespace ringcache::store
