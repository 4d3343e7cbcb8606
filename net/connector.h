#pragma once

#include <chrono>

#include "net/address.h"
#include "net/connection.h"

/// Outgoing connections.
namespace ringcache::net {

class Worker;

struct ConnectOptions {
  /// For the whole of it: resolving the name and trying each of its addresses.
  std::chrono::milliseconds timeout{250};
  /// TCP keep-alive probes, so that a peer that vanished is noticed on a quiet connection.
  bool keepalive = true;
  ConnectionOptions connection;
};

/// Begins to connect and returns at once; on `worker`'s thread only. Then exactly one of
/// on_connected and on_closed(kConnectFailed or kConnectTimeout, or kLocal after close()) is
/// called, never inside this call. Numbers are not resolved; names are, on a thread of their own,
/// and their addresses are tried in order. TCP_NODELAY is set.
///
/// The connection owns itself; `handler` must live until on_closed, or call abandon() before it
/// dies. out() may be filled at once: it leaves when the connection is up.
Connection& connect(Worker& worker, const Address& address, const ConnectOptions& options,
                    ConnectionHandler& handler);

}  // namespace ringcache::net
