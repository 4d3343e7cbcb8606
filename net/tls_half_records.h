#pragma once

#include <cstddef>

#include "net/clock.h"
#include "net/deadline.h"

/// The connections of one worker that have sent the beginning of a TLS record and not its end, the
/// one that began longest ago first. OpenSSL holds 17 KiB for each until the record is whole, so
/// one that takes TlsOptions::record_timeout is closed.
///
/// touch() and remove() cost a few stores: uploads end in the middle of a record at most reads.
///
/// Thread rule: belongs to the worker.
namespace ringcache::net {

class SocketConnection;
class TlsStream;

class TlsHalfRecords {
 public:
  explicit TlsHalfRecords(TimerQueue& timers);

  /// A record of `stream` has just begun.
  void touch(TlsStream& stream, SocketConnection& owner);
  /// Nothing of a record waits. Nothing happens if it is not listed.
  void remove(TlsStream& stream);
  bool has(const TlsStream& stream) const;
  std::size_t size() const { return size_; }

 private:
  void close_due();

  TimerQueue& timers_;
  Timer timer_;  ///< of the first of the list, or of one that was the first
  TlsStream* oldest_ = nullptr;
  TlsStream* newest_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ringcache::net
