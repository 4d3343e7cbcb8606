#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace ringcache::net {

/// A socket address of the kernel, with its length.
struct Endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  /// `127.0.0.1:80`, `[::1]:80`, a path, or `unix` when it has no name.
  std::string text() const;
};

/// `host` as a number (IPv4, or IPv6 without brackets); false: it is a name.
[[nodiscard]] bool numeric_endpoint(const std::string& host, std::uint16_t port,
                                    Endpoint& endpoint);
/// False: the path is longer than the kernel takes (107 bytes).
[[nodiscard]] bool unix_endpoint(const std::string& path, Endpoint& endpoint);

/// Names to addresses, one at a time, on a thread that starts with the first name. Any thread.
class Resolver {
 public:
  using Done = std::function<void(std::error_code error, std::vector<Endpoint> endpoints)>;

  Resolver();
  /// Waits for the look-up in hand; those that wait are dropped.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// `done` is called on the resolver's thread.
  void resolve(std::string host, std::uint16_t port, Done done);
  /// The same, waiting here.
  static std::error_code resolve_now(const std::string& host, std::uint16_t port,
                                     std::vector<Endpoint>& endpoints);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringcache::net
