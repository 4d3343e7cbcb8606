// What the configuration says about addresses to listen on, and names.
//
// Where nodes are is routing's business (routing/backend.h); a listener differs in that it must
// name its port, and that port 0 is fine: any free one. Pure functions. An empty string from an
// ..._error() means that the text is good.
#pragma once

#include <string>
#include <string_view>

namespace ringcache::config {

// ECMAScript patterns of the JSON schema, each as wide as its function or wider.
extern const std::string kNodeAddressPattern;
extern const std::string kListenPattern;
extern const std::string kAdminListenPattern;

// "host:port", "[v6]:port", "unix:/path"; with TLS, "tls:" and one of the first two.
std::string listen_error(std::string_view address);
// "host:port", "[v6]:port", "off".
std::string admin_listen_error(std::string_view address);

// Names of pools are labels of metrics and stand in JSON pointers, so they are plain.
inline constexpr std::string_view kPoolNamePattern = "^[A-Za-z0-9_.-]{1,64}$";
std::string pool_name_error(std::string_view name);

// Names of nodes are hashed by the compat rings and may be any that twemproxy takes in practice.
inline constexpr std::string_view kNodeNamePattern = "^[!-~]{1,255}$";
std::string node_name_error(std::string_view name);

}  // namespace ringcache::config
