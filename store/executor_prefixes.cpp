#include "store/executor_prefixes.h"

#include "protocol/response_writer.h"
#include "store/executor_text.h"

namespace ringcache::store {

namespace {

// Of all words of a line together.
constexpr std::size_t kWordsBytes = 64;
constexpr std::size_t kLineBytesMax = kKeyBytesMax + 4 * kNumberBytesMax + kWordsBytes;
static_assert(kLineBytesMax <= net::WriteBuffer::kReserveMax);

}  // namespace

bool PrefixDump::write_piece(const Store& /*store*/, Seconds /*now*/, net::WriteBuffer& out) {
  for (const PrefixRow& row : walk_.next()) {
    char* const start = out.reserve(kLineBytesMax);
    if (start == nullptr) return true;  // the connection sees that its output failed
    char* end = append_text(append_text(start, "PREFIX "), row.prefix());
    end = append_number(append_text(end, " get "), row.counts.gets);
    end = append_number(append_text(end, " hit "), row.counts.hits);
    end = append_number(append_text(end, " set "), row.counts.stores);
    end = append_number(append_text(end, " del "), row.counts.deletes);
    out.commit(static_cast<std::size_t>(append_text(end, protocol::kCrlf) - start));
  }
  if (!walk_.done()) return false;
  out.append(protocol::kEnd);
  return true;
}

}  // namespace ringcache::store
