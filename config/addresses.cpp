#include "config/addresses.h"

#include <algorithm>

#include "proxy/proxy_options.h"
#include "routing/backend.h"

namespace ringcache::config {
namespace {

constexpr std::size_t kPoolNameBytesMax = 64;
constexpr std::size_t kNodeNameBytesMax = 255;

const std::string kHost = R"([!#-.0-9;-Z^-~]{1,253})";
const std::string kIpv6 = R"(\[[0-9A-Fa-f:.]+(%[^\]]*)?\])";
const std::string kPortAbove999 =
    "6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}";
const std::string kPort = ":0*(" + kPortAbove999 + "|[1-9][0-9]{0,3})";
const std::string kPortOrZero = ":0*(" + kPortAbove999 + "|[0-9]{1,4})";
const std::string kUnix = R"(unix:/[!-~\u0080-\uffff]{0,106})";

bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}

// The text behind the colon before the port; nothing if there is no such colon.
std::string_view port_of(std::string_view address) {
  const std::size_t colon = address.find(':', std::min(address.find(']'), address.size()));
  const std::size_t plain = address.front() == '[' ? colon : address.rfind(':');
  return plain == address.npos ? std::string_view() : address.substr(plain + 1);
}

}  // namespace

const std::string kNodeAddressPattern =
    "^(" + kUnix + "|(" + kHost + "|" + kIpv6 + ")(" + kPort + ")?)$";
const std::string kListenPattern =
    "^(" + kUnix + "|(tls:)?(" + kHost + "|" + kIpv6 + ")" + kPortOrZero + ")$";
const std::string kAdminListenPattern = "^(off|(" + kHost + "|" + kIpv6 + ")" + kPortOrZero + ")$";

std::string listen_error(std::string_view address) {
  if (address.starts_with(proxy::kTlsListenPrefix)) {
    address.remove_prefix(proxy::kTlsListenPrefix.size());
    if (address.starts_with("unix:")) return "TLS is for TCP addresses";
    if (address.empty()) return "the address is missing, as in \"tls:127.0.0.1:11212\"";
  }
  if (address.starts_with("unix:") || address.empty()) return routing::parse_backend(address).error;
  if (address.starts_with("*")) return "all addresses are \"0.0.0.0\" and \"[::]\", not \"*\"";
  const std::string_view port = port_of(address);
  if (port.empty()) return "the port is missing, as in \"127.0.0.1:11211\"";
  const bool any_port = port.find_first_not_of('0') == port.npos;
  if (!any_port) return routing::parse_backend(address).error;
  const std::string_view host = address.substr(0, address.size() - port.size());
  return routing::parse_backend(std::string(host) + '1').error;
}

std::string admin_listen_error(std::string_view address) {
  if (address == "off") return {};
  if (address.starts_with(proxy::kTlsListenPrefix)) return "the admin server has no TLS";
  if (address.starts_with("unix:")) return "the admin server listens on TCP only";
  return listen_error(address);
}

std::string pool_name_error(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
  if (plain && !name.empty() && name.size() <= kPoolNameBytesMax) return {};
  return "a pool's name has 1 to 64 letters, digits, \"_\", \".\" and \"-\"";
}

std::string node_name_error(std::string_view name) {
  const bool good = !name.empty() && name.size() <= kNodeNameBytesMax &&
                    std::all_of(name.begin(), name.end(), is_visible);
  return good ? "" : "a node's name has 1 to 255 ASCII characters without blanks";
}

}  // namespace ringcache::config
