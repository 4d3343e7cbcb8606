#pragma once

#include <chrono>
#include <memory>

#include "net/address.h"
#include "net/connection.h"

/// Outgoing connections.
namespace ringcache::net {

class TlsClientContext;
class Worker;

struct ConnectOptions {
  /// For the whole of it: resolving the name, trying each of its addresses, shaking hands.
  std::chrono::milliseconds timeout{250};
  /// TCP keep-alive probes, so that a peer that vanished is noticed on a quiet connection.
  bool keepalive = true;
  /// TLS, to TCP addresses only; nullptr = none. An address that takes the connection and fails the
  /// handshake is the last that is tried.
  std::shared_ptr<TlsClientContext> tls;
  ConnectionOptions connection;
};

/// Begins to connect and returns at once; on `worker`'s thread only. Then exactly one of
/// on_connected and on_closed(kConnectFailed, kConnectTimeout or kTlsFailed, or kLocal after
/// close()) is called, never inside this call. Numbers are not resolved; names are, on a thread of
/// their own, and their addresses are tried in order. TCP_NODELAY is set.
///
/// A handshake costs the worker up to a few tenths of a millisecond of arithmetic (with an RSA key
/// of our own 1 ms and more), so its steps have their turn as heavy connections do (event_loop.h):
/// however many nodes are connected to at once, the others wait for one step in each turn, or for
/// kHeavyTurnNs of them.
///
/// The connection owns itself; `handler` must live until on_closed, or call abandon() before it
/// dies. out() may be filled at once: it leaves when the connection is up.
Connection& connect(Worker& worker, const Address& address, const ConnectOptions& options,
                    ConnectionHandler& handler);

}  // namespace ringcache::net
