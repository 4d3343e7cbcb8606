#include "tests/bench/endpoint.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ringcache::bench {

std::optional<Endpoint> Endpoint::resolve_unix(std::string_view path, std::string& error) {
  Endpoint endpoint;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    error = "a unix socket's path has 1 to " + std::to_string(sizeof address.sun_path - 1) +
            " characters";
    return std::nullopt;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  std::memcpy(&endpoint.address_, &address, sizeof address);
  endpoint.address_bytes_ = sizeof address;
  return endpoint;
}

std::optional<Endpoint> Endpoint::resolve(std::string_view text, std::string& error) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    auto endpoint = resolve_unix(text.substr(kUnix.size()), error);
    if (endpoint) endpoint->text_ = text;
    return endpoint;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    error = "expected host:port or unix:/path";
    return std::nullopt;
  }
  std::string host(text.substr(0, colon));
  const std::string port(text.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failure = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failure != 0) {
    error = gai_strerror(failure);
    return std::nullopt;
  }
  Endpoint endpoint;
  endpoint.text_ = text;
  std::memcpy(&endpoint.address_, found->ai_addr, found->ai_addrlen);
  endpoint.address_bytes_ = found->ai_addrlen;
  freeaddrinfo(found);
  return endpoint;
}

int Endpoint::connect() const {
  const int fd = socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address_), address_bytes_) != 0) {
    const int reason = errno;
    close(fd);
    errno = reason;
    return -1;
  }
  if (address_.ss_family != AF_UNIX) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return fd;
}

}  // namespace ringcache::bench
