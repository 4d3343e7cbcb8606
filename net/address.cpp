#include "net/address.h"

#include <charconv>
#include <utility>

namespace ringcache::net {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";
/// sockaddr_un holds 108 bytes with the final zero.
constexpr std::size_t kUnixPathBytesMax = 107;

bool fail(std::string& error, std::string_view text, std::string_view why) {
  error = "\"" + std::string(text) + "\" " + std::string(why);
  return false;
}

}  // namespace

Address Address::tcp(std::string host, std::uint16_t port) {
  Address address;
  address.host = std::move(host);
  address.port = port;
  return address;
}

Address Address::unix_path(std::string path) {
  Address address;
  address.kind = Kind::kUnix;
  address.path = std::move(path);
  return address;
}

bool Address::parse(std::string_view text, Address& address, std::string& error) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (path.empty()) return fail(error, text, "has no path after unix:");
    if (path.size() > kUnixPathBytesMax) {
      return fail(error, text, "is too long: a UNIX socket path has at most 107 bytes");
    }
    if (path.find('\0') != std::string_view::npos) return fail(error, text, "has a zero byte");
    address = unix_path(std::string(path));
    return true;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(error, text, "has no port: expected host:port or unix:/path");
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.size() < 4) return fail(error, text, "has no closing ]");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(error, text, "is ambiguous: write an IPv6 address as [address]:port");
  }
  if (host.empty()) return fail(error, text, "has no host: expected host:port");
  if (host.find_first_of(std::string_view(" \t\r\n/[]\0", 8)) != std::string_view::npos) {
    return fail(error, text, "is not a host name");
  }
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || code != std::errc{} || end != digits.data() + digits.size()) {
    return fail(error, text, "has a bad port: expected a number from 0 to 65535");
  }
  address = tcp(std::string(host), port);
  return true;
}

std::string Address::text() const {
  if (kind == Kind::kUnix) return std::string(kUnixPrefix) + path;
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

}  // namespace ringcache::net
