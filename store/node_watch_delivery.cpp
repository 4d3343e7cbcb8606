#include "store/node_watch_delivery.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace ringcache::store {

static_assert(kWatchBatchBytesMax + kWatchLineBytesMax <=
                  std::numeric_limits<decltype(WatchBatch::Line::end)>::max(),
              "a line's end has to fit");

bool WatchBatch::is_full() const {
  return text.size() >= kWatchBatchBytesMax;
}

void WatchBatch::add(std::string_view line, std::uint64_t gid, WatchClasses event_class) {
  text.append(line);
  lines.push_back({gid, static_cast<std::uint32_t>(text.size()), event_class});
  classes = static_cast<WatchClasses>(classes | event_class);
}

// --- the collector -----------------------------------------------------------------------------

bool WatchDelivery::accept(const SharedWatchBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (inbox_.size() == kInboxBatchesMax) {
    for (const WatchBatch::Line& line : batch->lines) {
      ++missed_[static_cast<std::size_t>(std::countr_zero(line.event_class))];
    }
    return false;
  }
  inbox_.push_back(batch);
  return !std::exchange(delivering_, true);
}

// --- the worker --------------------------------------------------------------------------------

// What was missed before is none of the newcomer's.
void WatchDelivery::add(NodeWatcher& watcher, net::WriteBuffer& out, std::function<void()> flush) {
  LineCounts missed;
  {
    const std::lock_guard lock(mutex_);
    missed = std::exchange(missed_, LineCounts{});
  }
  share_missed(missed);
  seats_.push_back({&watcher, &out, std::move(flush)});
  has_watchers_ = true;
}

void WatchDelivery::remove(NodeWatcher& watcher) {
  const auto seat = std::find_if(seats_.begin(), seats_.end(),
                                 [&](const Seat& each) { return each.watcher == &watcher; });
  const auto place = static_cast<std::size_t>(seat - seats_.begin());
  if (place == at_.seat) at_ = {.seat = place};
  if (place < at_.seat) --at_.seat;
  seats_.erase(seat);
  has_watchers_ = !seats_.empty();
}

bool WatchDelivery::deliver() {
  if (!std::exchange(has_taken_, true)) take_inbox();
  std::size_t bytes = 0;
  while (at_.seat < seats_.size()) {
    Seat& seat = seats_[at_.seat];
    while (at_.batch < batches_.size() && bytes < kDeliveryBytesPerTurn) {
      bytes += deliver_part(seat, kDeliveryBytesPerTurn - bytes);
      seat.flush();
    }
    if (at_.batch < batches_.size()) {
      yields_.add();
      return true;
    }
    tell_missed(seat);
    at_ = {.seat = at_.seat + 1};
  }
  at_ = {};
  has_taken_ = false;
  batches_.clear();
  // What came meanwhile was not posted, as this was on its way.
  const std::lock_guard lock(mutex_);
  delivering_ = !inbox_.empty();
  return delivering_;
}

void WatchDelivery::take_inbox() {
  LineCounts missed;
  {
    const std::lock_guard lock(mutex_);
    batches_.swap(inbox_);
    missed = std::exchange(missed_, LineCounts{});
  }
  share_missed(missed);
}

void WatchDelivery::share_missed(const LineCounts& missed) {
  for (Seat& seat : seats_) {
    for (std::size_t at = 0; at < kWatchClassCount; ++at) {
      if ((seat.watcher->classes() >> at & 1U) != 0) seat.missed += missed[at];
    }
  }
}

// Goes on in the batch, for at most so many bytes and what the last line has beyond; what it
// returns was sent, skipped or looked at.
std::size_t WatchDelivery::deliver_part(const Seat& seat, std::size_t bytes_max) {
  const WatchBatch& batch = *batches_[at_.batch];
  std::size_t bytes = kLookedAtBytes;
  const bool wants_some = (seat.watcher->classes() & batch.classes) != 0;
  if (!wants_some) at_.line = batch.lines.size();
  for (; at_.line < batch.lines.size() && bytes < bytes_max; ++at_.line) {
    const WatchBatch::Line& line = batch.lines[at_.line];
    const std::string_view text =
        std::string_view(batch.text).substr(at_.begin, line.end - at_.begin);
    at_.begin = line.end;
    bytes += kLookedAtBytes;
    if (!seat.watcher->wants(line.event_class, line.gid)) continue;
    const bool sent = seat.watcher->offer(text, *seat.out);
    (sent ? sent_ : skipped_).add();
    bytes += text.size();
  }
  if (at_.line == batch.lines.size()) at_ = {.seat = at_.seat, .batch = at_.batch + 1};
  return bytes;
}

void WatchDelivery::tell_missed(Seat& seat) {
  seat.watcher->skip(seat.missed);
  skipped_.add(seat.missed);
  seat.missed = 0;
}

}  // namespace ringcache::store
