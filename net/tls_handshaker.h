#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/accepted_socket.h"
#include "net/clock.h"

/// Shakes hands with the TLS clients of a listener, on threads of its own: who is connected already
/// never waits for a private key, however many newcomers there are.
///
///     add() -> [waits for its first byte] -> [queue] -> begun: one step for each turn it is given
///                                                        -> done: on_secured
///
/// A hello costs a private-key operation (RSA-2048 about 1 ms, RSA-4096 about 5 ms), so hellos wait
/// in a queue, and each turn of the loop answers one of them. Before that it continues clients that
/// have begun, in the order in which they sent more, for 200 us, at least one of them: neither
/// holds up the other. A client that has gone while it was queued costs nothing.
///
/// Bounds, of TlsOptions:
///  - A client has handshake_timeout from the accept to the end. What it waits for us is not
///    counted, and nobody is cut meanwhile.
///  - What waits for its first byte, or has one and is queued, holds half a KiB and is bounded
///    by the listener's connections_max. Once begun it holds up to 45 KiB (a hello is bounded, see
///    tls_hello_guard.h; but 200 KiB for one that we asked for a second hello and that claims the
///    longest that OpenSSL takes), and handshakes_max of those may be unfinished on one thread.
///    Then the queue waits until one is done, or until one has had half a hello, or our answer, for
///    kRoomAfter: the one that had it longest is closed, half a hello before an answered one.
///
/// Thread rule: made, started and stopped by one control thread; add() on any thread between the
/// two; unfinished() on any.
namespace ringcache::net {

class TlsContext;

/// One thread shakes hands for so many workers.
constexpr std::size_t kWorkersPerHandshaker = 4;
/// What a client that has begun may take for the rest of its hello, and then again after our
/// answer, however many wait for its place.
constexpr std::chrono::seconds kRoomAfter{2};

class TlsHandshaker {
 public:
  /// Runs on a thread of the handshaker; `accepted` has its TlsStream.
  using Secured = std::function<void(std::shared_ptr<AcceptedSocket> accepted)>;

  /// `context` and `clock` must outlive it.
  TlsHandshaker(TlsContext& context, std::size_t threads, const Clock& clock, Secured on_secured);
  ~TlsHandshaker();  ///< as stop()
  TlsHandshaker(const TlsHandshaker&) = delete;
  TlsHandshaker& operator=(const TlsHandshaker&) = delete;

  /// An error text (out of descriptors, out of threads) or nothing.
  [[nodiscard]] std::optional<std::string> start();
  /// Closes what is unfinished; what was done before has been given to on_secured. Idempotent.
  void stop();

  void add(std::shared_ptr<AcceptedSocket> accepted);
  std::size_t unfinished() const;

 private:
  class Lane;

  const Secured on_secured_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<std::size_t> next_lane_{0};
};

}  // namespace ringcache::net
