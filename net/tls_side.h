#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

/// What the streams of TLS ask of the context that they were made with, whichever side it is: of a
/// server (tls_context.h) or of a client (tls_client_context.h).
///
/// Thread rule: any thread.
namespace ringcache::net {

class TlsSide {
 public:
  /// Small pieces of output are gathered up to this before they are encrypted.
  std::size_t write_bytes() const { return write_bytes_; }
  /// From the first byte of a record to its last; then the connection is closed.
  std::chrono::milliseconds record_timeout() const { return record_timeout_; }

  void count_record_timeout() { record_timeouts_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t record_timeouts() const { return record_timeouts_.load(std::memory_order_relaxed); }

 protected:
  TlsSide(std::size_t write_bytes, std::chrono::milliseconds record_timeout)
      : write_bytes_(write_bytes), record_timeout_(record_timeout) {}
  ~TlsSide() = default;

 private:
  const std::size_t write_bytes_;
  const std::chrono::milliseconds record_timeout_;
  std::atomic<std::uint64_t> record_timeouts_{0};
};

}  // namespace ringcache::net
