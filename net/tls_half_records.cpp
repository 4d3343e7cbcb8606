#include "net/tls_half_records.h"

#include <chrono>
#include <utility>

#include "net/socket_connection.h"
#include "net/tls_side.h"
#include "net/tls_stream.h"

namespace ringcache::net {

namespace {

std::chrono::nanoseconds timeout_of(const TlsStream& stream) {
  return stream.side().record_timeout();
}

}  // namespace

TlsHalfRecords::TlsHalfRecords(TimerQueue& timers)
    : timers_(timers), timer_(timers, [this] { close_due(); }) {}

void TlsHalfRecords::touch(TlsStream& stream, SocketConnection& owner) {
  remove(stream);
  TlsStream::HalfRecord& mark = stream.half_record_;
  mark.owner = &owner;
  mark.began_ns = timers_.now();
  mark.older = std::exchange(newest_, &stream);
  (mark.older != nullptr ? mark.older->half_record_.newer : oldest_) = &stream;
  ++size_;
  if (!timer_.armed()) timer_.after(timeout_of(stream));
}

void TlsHalfRecords::remove(TlsStream& stream) {
  TlsStream::HalfRecord& mark = stream.half_record_;
  if (mark.owner == nullptr) return;
  (mark.older != nullptr ? mark.older->half_record_.newer : oldest_) = mark.newer;
  (mark.newer != nullptr ? mark.newer->half_record_.older : newest_) = mark.older;
  mark = {};
  --size_;
}

bool TlsHalfRecords::has(const TlsStream& stream) const {
  return stream.half_record_.owner != nullptr;
}

void TlsHalfRecords::close_due() {
  while (oldest_ != nullptr) {
    const TlsStream::HalfRecord& mark = oldest_->half_record_;
    const std::chrono::nanoseconds lasted(timers_.now() - mark.began_ns);
    if (lasted < timeout_of(*oldest_)) return timer_.after(timeout_of(*oldest_) - lasted);
    // It leaves the list, or moves to its end.
    mark.owner->on_half_record_due();
  }
}

}  // namespace ringcache::net
