// What the proxy calls itself.
#pragma once

#include <string_view>

namespace ringcache::proxy {

inline constexpr std::string_view kProxyVersion = "0.1.0";

// The answer to `version`. Clients (libmemcached among them) read the leading digits as the
// memcached release whose protocol they may use; what follows is ours.
inline constexpr std::string_view kProxyVersionLine = "VERSION 1.6.18-ringcache-proxy-0.1.0\r\n";

}  // namespace ringcache::proxy
