#include "store/node_watch_log.h"

#include <chrono>

namespace ringcache::store {

void WatchLog::record(WatchEvent& event, std::string_view text) {
  text = text.substr(0, kWatchTextBytesMax);
  if (!ring_.has_room(text.size())) {
    dropped_.add();
  } else {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    event.unix_us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    event.gid = shared_.last_gid.fetch_add(1, std::memory_order_relaxed) + 1;
    ring_.push(event, text);
    written_.add();
  }
  if (ring_.used_bytes() > ring_.capacity_bytes() / 2 &&
      !shared_.pressed.exchange(true, std::memory_order_relaxed)) {
    shared_.wake.notify_one();
  }
}

}  // namespace ringcache::store
