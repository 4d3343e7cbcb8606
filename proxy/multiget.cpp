#include "proxy/multiget.h"

#include "protocol/limits.h"

namespace ringcache::proxy {

namespace {
// "gats ", an exptime and CRLF; keys come with a space each.
constexpr std::size_t kLineOverheadBytes = 5 + protocol::kNumberTextBytesMax + 2;
}  // namespace

void MultigetSplit::begin(std::size_t line_bytes_max) {
  used_ = 0;
  line_bytes_max_ = line_bytes_max;
}

void MultigetSplit::add(Upstream& upstream, PoolCounters& pool, std::string_view key) {
  const std::size_t bytes = key.size() + 1;
  if (upstream.split_slot == Upstream::kNoSlot ||
      parts_[upstream.split_slot].line_bytes + bytes > line_bytes_max_) {
    if (used_ == parts_.size()) parts_.emplace_back();
    Part& part = parts_[used_];
    part.upstream = &upstream;
    part.pool = &pool;
    part.keys.clear();
    part.line_bytes = kLineOverheadBytes;
    upstream.split_slot = used_++;
  }
  Part& part = parts_[upstream.split_slot];
  part.keys.push_back(key);
  part.line_bytes += bytes;
}

void MultigetSplit::end() {
  for (std::size_t i = 0; i < used_; ++i) parts_[i].upstream->split_slot = Upstream::kNoSlot;
}

}  // namespace ringcache::proxy
