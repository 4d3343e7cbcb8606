#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Where to listen or to connect, as users write it:
/// `127.0.0.1:11211`, `cache-a.example:11211`, `[::1]:11211`, `[::]:11211`, `unix:/run/x.sock`, and
/// `*:11211` to listen on every interface.
namespace ringcache::net {

struct Address {
  enum class Kind : std::uint8_t { kTcp, kUnix };

  Kind kind = Kind::kTcp;
  std::string host;        ///< name or number, IPv6 without brackets; kTcp only
  std::uint16_t port = 0;  ///< 0 = any free port, for listening only; kTcp only
  std::string path;        ///< kUnix only

  static Address tcp(std::string host, std::uint16_t port);
  static Address unix_path(std::string path);
  /// False: `error` says what is wrong, naming `text`.
  [[nodiscard]] static bool parse(std::string_view text, Address& address, std::string& error);

  /// As parse() reads it.
  std::string text() const;

  bool operator==(const Address&) const = default;
};

}  // namespace ringcache::net
