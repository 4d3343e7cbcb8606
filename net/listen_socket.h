#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"

namespace ringcache::net {

/// One bound, listening, non-blocking socket. Closes it (and removes its UNIX path) when destroyed.
class ListenSocket {
 public:
  ListenSocket() = default;
  ~ListenSocket() { close(); }
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;

  /// Binds `address` (a name must have exactly the addresses of this machine; all of them are
  /// bound; `*` is every interface) and appends a socket for each to `sockets`. Returns an error
  /// text or nothing.
  [[nodiscard]] static std::optional<std::string> open(const Address& address, int backlog,
                                                       unsigned unix_mode,
                                                       std::vector<ListenSocket>& sockets);
  void close();
  /// Gives the descriptor away; nothing is closed or removed any more.
  int release() { return std::exchange(fd_, -1); }
  int fd() const { return fd_; }
  const Address& bound() const { return bound_; }

 private:
  int fd_ = -1;
  Address bound_;
};

}  // namespace ringcache::net
