#include "store/node_watcher.h"

#include <array>

namespace ringcache::store {

bool NodeWatcher::offer(std::string_view line, net::WriteBuffer& out) {
  if (out.bytes() + line.size() + kSkippedLineBytesMax > buffer_bytes_) {
    ++skipped_;
    return false;
  }
  if (skipped_ > 0) {
    std::array<char, kSkippedLineBytesMax> text;
    const char* const end = write_skipped_line(text.data(), skipped_);
    out.append({text.data(), static_cast<std::size_t>(end - text.data())});
    skipped_ = 0;
  }
  out.append(line);
  return true;
}

}  // namespace ringcache::store
