#include "net/listen_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "net/resolver.h"

namespace ringcache::net {

namespace {

std::string cannot_listen(const Address& address, int error) {
  std::string text =
      "cannot listen on " + address.text() + ": " + std::generic_category().message(error);
  const std::string port = std::to_string(address.port);
  if (error == EADDRINUSE && address.kind == Address::Kind::kUnix) {
    text += ": another process listens on it; `ss -xlp` shows which";
  } else if (error == EEXIST) {
    text += ": it is not a socket, and was not removed";
  } else if (error == EADDRINUSE) {
    text += ": another process listens there; `ss -ltnp 'sport = :" + port + "'` shows which";
  } else if (error == EACCES && address.kind == Address::Kind::kTcp && address.port < 1024) {
    text += ": ports below 1024 need CAP_NET_BIND_SERVICE";
  } else if (error == EADDRNOTAVAIL) {
    text += ": no interface of this machine has that address; `ip address` shows them";
  }
  return text;
}

/// A socket file stays behind when its process was killed. It may be replaced if nobody answers.
int remove_stale(const std::string& path, const Endpoint& endpoint) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(status.st_mode)) return EEXIST;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return errno;
  const int result =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.length);
  const int error = result == 0 ? 0 : errno;
  ::close(probe);
  if (error != ECONNREFUSED) return EADDRINUSE;
  return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

/// 0, or the errno of what failed.
int bind_and_listen(int fd, const Endpoint& endpoint, int backlog) {
  const int on = 1;
  if (endpoint.family() != AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  // [::]:port is IPv6 alone, so that 0.0.0.0:port can be listened on beside it.
  if (endpoint.family() == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.length) != 0) {
    return errno;
  }
  return ::listen(fd, backlog) == 0 ? 0 : errno;
}

/// Every interface, IPv4 first. A machine without IPv6 has but one endpoint.
std::vector<Endpoint> every_interface(std::uint16_t port) {
  std::vector<Endpoint> endpoints(2);
  if (!numeric_endpoint("0.0.0.0", port, endpoints[0])) return {};
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0 || !numeric_endpoint("::", port, endpoints[1])) endpoints.pop_back();
  if (probe >= 0) ::close(probe);
  return endpoints;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof v4);  // the port lies at the same place in sockaddr_in6
  return ntohs(v4.sin_port);
}

}  // namespace

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), bound_(std::move(other.bound_)) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  bound_ = std::move(other.bound_);
  return *this;
}

void ListenSocket::close() {
  if (fd_ < 0) return;
  if (bound_.kind == Address::Kind::kUnix) ::unlink(bound_.path.c_str());
  ::close(std::exchange(fd_, -1));
}

std::optional<std::string> ListenSocket::open(const Address& address, int backlog,
                                              unsigned unix_mode,
                                              std::vector<ListenSocket>& sockets) {
  std::vector<Endpoint> endpoints(1);
  const bool is_unix = address.kind == Address::Kind::kUnix;
  if (is_unix) {
    if (!unix_endpoint(address.path, endpoints[0])) return cannot_listen(address, ENAMETOOLONG);
    if (const int error = remove_stale(address.path, endpoints[0]); error != 0) {
      return cannot_listen(address, error);
    }
  } else if (address.host == "*") {
    endpoints = every_interface(address.port);
  } else if (!numeric_endpoint(address.host, address.port, endpoints[0])) {
    endpoints.clear();
    const std::error_code error = Resolver::resolve_now(address.host, address.port, endpoints);
    if (error) return "cannot listen on " + address.text() + ": " + error.message();
  }
  for (const Endpoint& endpoint : endpoints) {
    ListenSocket socket;
    socket.fd_ = ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket.fd_ < 0) return cannot_listen(address, errno);
    // The permissions must hold from the moment the path exists.
    const mode_t old_mask = is_unix ? ::umask(static_cast<mode_t>(~unix_mode & 0777)) : 0;
    const int error = bind_and_listen(socket.fd_, endpoint, backlog);
    if (is_unix) ::umask(old_mask);
    if (error != 0) return cannot_listen(address, error);
    socket.bound_ = address;
    if (!is_unix) socket.bound_.port = bound_port(socket.fd_);
    if (address.host == "*") socket.bound_.host = endpoint.family() == AF_INET ? "0.0.0.0" : "::";
    sockets.push_back(std::move(socket));
  }
  return std::nullopt;
}

}  // namespace ringcache::net
