#pragma once

#include <unistd.h>

#include <memory>

#include "net/connection_profile.h"
#include "net/resolver.h"
#include "net/tls_stream.h"

/// An accepted socket on its way from the acceptor to the worker that will serve it, with TLS by
/// way of the handshaker. It is closed, and its group told, if it never arrives.
///
/// Thread rule: whoever holds it; it is handed on by posting.
namespace ringcache::net {

struct AcceptedSocket {
  AcceptedSocket(int descriptor, const Endpoint& from, ConnectionGroup& of)
      : fd(descriptor), peer(from), group(of) {}
  ~AcceptedSocket() {
    if (fd < 0) return;
    ::close(fd);
    group.one_closed();
  }
  AcceptedSocket(const AcceptedSocket&) = delete;
  AcceptedSocket& operator=(const AcceptedSocket&) = delete;

  int fd;  ///< -1: arrived
  Endpoint peer;
  ConnectionGroup& group;
  std::unique_ptr<TlsStream> tls;  ///< nullptr: plain, or its handshake has not begun
};

}  // namespace ringcache::net
