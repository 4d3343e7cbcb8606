#include "net/peer_address.h"

#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace ringcache::net {

namespace {

constexpr std::uint64_t kIsIpv4 = 1;

struct Stored {
  socklen_t length;
  // The address follows.
};

}  // namespace

PeerAddress::PeerAddress(const Endpoint& endpoint) {
  if (endpoint.family() == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &endpoint.storage, sizeof address);
    word_ = std::uint64_t{address.sin_addr.s_addr} << 32 | std::uint64_t{address.sin_port} << 16 |
            kIsIpv4;
    return;
  }
  if (endpoint.length <= sizeof(sa_family_t)) return;
  const std::size_t length = std::min<std::size_t>(endpoint.length, sizeof endpoint.storage);
  char* const stored = new char[sizeof(Stored) + length];
  const Stored header{static_cast<socklen_t>(length)};
  std::memcpy(stored, &header, sizeof header);
  std::memcpy(stored + sizeof header, &endpoint.storage, length);
  word_ = reinterpret_cast<std::uint64_t>(stored);
}

PeerAddress::PeerAddress(PeerAddress&& other) noexcept : word_(std::exchange(other.word_, 0)) {}

PeerAddress& PeerAddress::operator=(PeerAddress&& other) noexcept {
  std::swap(word_, other.word_);
  return *this;
}

void PeerAddress::clear() {
  if ((word_ & kIsIpv4) == 0) delete[] std::bit_cast<char*>(word_);
}

Endpoint PeerAddress::endpoint() const {
  Endpoint endpoint;
  if (word_ == 0) {
    endpoint.storage.ss_family = AF_UNIX;
    endpoint.length = sizeof(sa_family_t);
  } else if ((word_ & kIsIpv4) != 0) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = static_cast<in_addr_t>(word_ >> 32);
    address.sin_port = static_cast<in_port_t>(word_ >> 16);
    std::memcpy(&endpoint.storage, &address, sizeof address);
    endpoint.length = sizeof address;
  } else {
    const char* const stored = std::bit_cast<const char*>(word_);
    Stored header{};
    std::memcpy(&header, stored, sizeof header);
    std::memcpy(&endpoint.storage, stored + sizeof header, header.length);
    endpoint.length = header.length;
  }
  return endpoint;
}

}  // namespace ringcache::net
