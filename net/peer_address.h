#pragma once

#include <cstdint>
#include <string>

#include "net/resolver.h"

/// The address of a connection's peer, as small as it can be kept: thousands of idle connections
/// have one each. IPv4 and a UNIX socket without a name take the eight bytes of the object; any
/// other address lies on the heap.
///
///     IPv4    | address 32 | port 16 | 0 ... 0 1 |
///     other   | pointer (even); 0 = no name      |
///
/// Thread rule: read by any thread while nobody assigns to it.
namespace ringcache::net {

class PeerAddress {
 public:
  PeerAddress() = default;
  explicit PeerAddress(const Endpoint& endpoint);
  ~PeerAddress() { clear(); }
  PeerAddress(PeerAddress&& other) noexcept;
  PeerAddress& operator=(PeerAddress&& other) noexcept;

  /// What it was made from (the scope of a link-local IPv6 address too). A UNIX socket without a
  /// name, and no address at all, give AF_UNIX.
  Endpoint endpoint() const;
  /// As Endpoint::text().
  std::string text() const { return endpoint().text(); }

 private:
  void clear();

  std::uint64_t word_ = 0;
};

}  // namespace ringcache::net
