#pragma once

// Where a server listens: "host:port", "[::1]:port" or "unix:/path". Resolved once, then any
// thread may connect.

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>

namespace ringcache::bench {

class Endpoint {
 public:
  /// Nothing, and the reason in `error`, if `text` is none of these or the host is unknown.
  static std::optional<Endpoint> resolve(std::string_view text, std::string& error);

  /// A connected socket in blocking mode, TCP_NODELAY set. -1 and the reason in errno on failure.
  int connect() const;

  const std::string& text() const { return text_; }

 private:
  static std::optional<Endpoint> resolve_unix(std::string_view path, std::string& error);

  std::string text_;
  sockaddr_storage address_{};
  socklen_t address_bytes_ = 0;
};

}  // namespace ringcache::bench
