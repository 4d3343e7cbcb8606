#include "routing/backend.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace ringcache::routing {
namespace {

constexpr std::string_view kUnixScheme = "unix:";
constexpr std::size_t kHostBytesMax = 253;  // a DNS name's text form, RFC 1035 2.3.4

BackendParse failure(std::string error) {
  return {.backend = {}, .error = std::move(error)};
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

bool is_host_byte(char byte) {
  const auto c = static_cast<unsigned char>(byte);
  return c > ' ' && c < 0x7f && c != '/' && c != '[' && c != ']' && c != '"' && c != '\\';
}

// An IPv6 address as far as its letters go; the resolver has the last word.
bool looks_like_ipv6(std::string_view text) {
  const std::string_view address = text.substr(0, text.find('%'));  // less the zone
  const auto is_address_byte = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.';
  };
  return std::count(address.begin(), address.end(), ':') >= 2 &&
         std::all_of(address.begin(), address.end(), is_address_byte);
}

// Fills `port` or says what is wrong with the text.
std::string read_port(std::string_view text, std::uint16_t& port) {
  const char* const end = text.data() + text.size();
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value == 0 || value > 65535) {
    return "port " + quoted(text) + " is not a number from 1 to 65535";
  }
  port = static_cast<std::uint16_t>(value);
  return {};
}

BackendParse parse_unix(std::string_view address) {
  const std::string_view path = address.substr(kUnixScheme.size());
  if (path.empty() || path.front() != '/') {
    return failure("the path of a UNIX socket must start with \"/\", as in \"unix:/run/x.sock\"");
  }
  if (path.size() > kUnixPathBytesMax) {
    return failure("the path of a UNIX socket holds at most " + std::to_string(kUnixPathBytesMax) +
                   " bytes, this one has " + std::to_string(path.size()));
  }
  if (std::any_of(path.begin(), path.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; })) {
    return failure("the path of a UNIX socket must not have spaces or control characters");
  }
  BackendParse result;
  result.backend.unix_path = path;
  result.backend.name = address;
  result.backend.address = address;
  return result;
}

// "[v6]" or "[v6]:port": what is before and after the closing bracket.
std::string split_bracketed(std::string_view address, Backend& backend) {
  const std::size_t close = address.find(']');
  if (close == std::string_view::npos) return "\"[\" without \"]\"";
  const std::string_view host = address.substr(1, close - 1);
  if (!looks_like_ipv6(host)) return quoted(host) + " between the brackets is no IPv6 address";
  backend.host = host;
  const std::string_view rest = address.substr(close + 1);
  if (rest.empty()) return {};
  if (rest.front() != ':') return "only \":port\" may follow \"]\"";
  return read_port(rest.substr(1), backend.port);
}

std::string split_plain(std::string_view address, Backend& backend) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) {
    backend.host = address;
    return {};
  }
  const std::string_view host = address.substr(0, colon);
  if (host.find(':') != std::string_view::npos) {
    return looks_like_ipv6(address) ? "an IPv6 address needs brackets: \"[address]:port\""
                                    : "more than one \":\" in " + quoted(address);
  }
  backend.host = host;
  return read_port(address.substr(colon + 1), backend.port);
}

}  // namespace

BackendParse parse_backend(std::string_view address) {
  if (address.empty()) return failure("the address is empty");
  if (address.starts_with(kUnixScheme)) return parse_unix(address);
  BackendParse result;
  Backend& backend = result.backend;
  backend.port = kDefaultPort;
  const bool bracketed = address.front() == '[';
  result.error = bracketed ? split_bracketed(address, backend) : split_plain(address, backend);
  if (!result.ok()) return result;
  if (backend.host.empty()) return failure("the host is missing before \":\"");
  if (backend.host.size() > kHostBytesMax) {
    return failure("the host has " + std::to_string(backend.host.size()) + " bytes, at most " +
                   std::to_string(kHostBytesMax) + " are allowed");
  }
  if (!std::all_of(backend.host.begin(), backend.host.end(), is_host_byte)) {
    return failure("the host has a character that no host name or IP address has");
  }
  backend.address = address;
  backend.name = bracketed ? "[" : "";
  backend.name += backend.host;
  backend.name += bracketed ? "]:" : ":";
  backend.name += std::to_string(backend.port);
  return result;
}

void set_name(Backend& backend, std::string_view name) {
  backend.name = name;
  backend.named = true;
}

}  // namespace ringcache::routing
