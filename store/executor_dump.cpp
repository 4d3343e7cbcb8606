#include "store/executor_dump.h"

#include <string_view>

#include "protocol/base64.h"
#include "protocol/limits.h"
#include "protocol/response_writer.h"
#include "store/executor_text.h"
#include "store/watch_event.h"

namespace ringcache::store {

namespace {

constexpr std::size_t kSizeStep = 32;
constexpr std::size_t kSizeRowsPerPiece = 256;

// Of all words of the longest line together.
constexpr std::size_t kWordsBytes = 64;
constexpr std::size_t kLineBytesMax =
    3 * protocol::kKeyBytesMax + 5 * kNumberBytesMax + kWordsBytes;
static_assert(kLineBytesMax <= net::WriteBuffer::kReserveMax);

char* append_mgdump(char* to, const ItemFacts& item) {
  to = append_text(to, "mg ");
  if (!item.binary_key) return append_text(append_text(to, item.key), protocol::kCrlf);
  return append_text(protocol::base64_encode(to, item.key), " b\r\n");
}

}  // namespace

bool DumpControl::take() {
  unsigned running = running_.load(std::memory_order_relaxed);
  do {
    if (running >= kDumpsMax) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
  } while (!running_.compare_exchange_weak(running, running + 1, std::memory_order_relaxed));
  started_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool ItemDump::write_piece(const Store& store, Seconds now, net::WriteBuffer& out) {
  if (!at_.done && !enough()) {
    piece_.clear();
    at_ = store.walk(at_, kDumpPieceChunks, now, [this](const ItemFacts& item) {
      if (is_listed(item)) piece_.add(item);
    });
    for (const ItemFacts& item : piece_.items()) write_item(item, out);
    if (!at_.done && !enough()) return false;
  }
  switch (order_.format) {
    case DumpOrder::Format::kSizes:
      if (!write_sizes(out)) return false;
      break;
    case DumpOrder::Format::kMgdump:
      out.append(protocol::kMetaMiss);
      return true;
    default:
      break;
  }
  out.append(protocol::kEnd);
  return true;
}

bool ItemDump::enough() const {
  if (order_.items_max > 0 && items_ >= order_.items_max) return true;
  return order_.format == DumpOrder::Format::kCachedump &&
         bytes_ + kLineBytesMax > kCachedumpBytesMax;
}

bool ItemDump::is_listed(const ItemFacts& item) const {
  if (!order_.classes.test(item.slab_class)) return false;
  return order_.format != DumpOrder::Format::kCachedump || !item.binary_key;
}

void ItemDump::write_item(const ItemFacts& item, net::WriteBuffer& out) {
  if (order_.format == DumpOrder::Format::kSizes) {
    ++sizes_[(item.bytes + kSizeStep - 1) / kSizeStep * kSizeStep];
    return;
  }
  if (enough()) return;
  char* const start = out.reserve(kLineBytesMax);
  if (start == nullptr) return;  // the connection sees that its output failed
  char* end = start;
  switch (order_.format) {
    case DumpOrder::Format::kMetadump:
      end = write_metadump(start, item);
      break;
    case DumpOrder::Format::kMgdump:
      end = append_mgdump(start, item);
      break;
    default:
      end = write_cachedump(start, item);
      break;
  }
  const auto bytes = static_cast<std::size_t>(end - start);
  out.commit(bytes);
  bytes_ += bytes;
  ++items_;
}

char* ItemDump::write_metadump(char* to, const ItemFacts& item) const {
  to = write_uri_encoded(append_text(to, "key="), item.key);
  to = append_text(to, " exp=");
  to = append_number(to, item.expiry == kNever ? -1 : unix_offset_ + item.expiry);
  to = append_number(append_text(to, " la="), unix_offset_ + item.last_access);
  to = append_number(append_text(to, " cas="), order_.shows_cas ? item.cas : 0);
  to = append_text(to, item.fetched ? " fetch=yes" : " fetch=no");
  to = append_number(append_text(to, " cls="), item.slab_class);
  to = append_number(append_text(to, " size="), item.bytes);
  return append_text(to, "\n");
}

char* ItemDump::write_cachedump(char* to, const ItemFacts& item) const {
  to = append_text(append_text(to, "ITEM "), item.key);
  to = append_number(append_text(to, " ["), item.value_bytes);
  to = append_text(to, " b; ");
  to = append_number(to, item.expiry == kNever ? 0 : unix_offset_ + item.expiry);
  return append_text(to, " s]\r\n");
}

// True: all are written.
bool ItemDump::write_sizes(net::WriteBuffer& out) {
  for (std::size_t rows = 0; rows < kSizeRowsPerPiece && !sizes_.empty(); ++rows) {
    const auto& [bytes, items] = *sizes_.begin();
    char* const start = out.reserve(kLineBytesMax);
    if (start == nullptr) return true;
    char* end = append_number(append_text(start, "STAT "), bytes);
    end = append_number(append_text(end, " "), items);
    out.commit(static_cast<std::size_t>(append_text(end, protocol::kCrlf) - start));
    sizes_.erase(sizes_.begin());
  }
  return sizes_.empty();
}

}  // namespace ringcache::store
