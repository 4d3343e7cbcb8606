#include "store/node_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace ringcache::store {

namespace {

std::string unix_name(const sockaddr_un& address, socklen_t bytes) {
  const std::size_t path_offset = offsetof(sockaddr_un, sun_path);
  if (bytes <= path_offset) return "unix:";
  const std::size_t length = std::min<std::size_t>(bytes - path_offset, sizeof address.sun_path);
  return "unix:" + std::string(address.sun_path, ::strnlen(address.sun_path, length));
}

std::string name_of(const sockaddr_storage& storage, socklen_t bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (storage.ss_family) {
    case AF_INET: {
      const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
      ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
      return "tcp:" + std::string(text.data()) + ':' + std::to_string(ntohs(address.sin_port));
    }
    case AF_INET6: {
      const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
      ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
      return "tcp6:[" + std::string(text.data()) + "]:" + std::to_string(ntohs(address.sin6_port));
    }
    case AF_UNIX:
      return unix_name(reinterpret_cast<const sockaddr_un&>(storage), bytes);
    default:
      return "unknown";
  }
}

}  // namespace

std::string peer_name(const net::Endpoint& peer) {
  return name_of(peer.storage, peer.length);
}

std::string listener_name(int fd) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) return "unknown";
  return name_of(storage, bytes);
}

}  // namespace ringcache::store
