// The fields that name certificates, keys and passwords: `tls` and `auth`, of the proxy for its
// clients and of a pool for its nodes; and what these say against each other.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/codec.h"
#include "proxy/proxy_options.h"

namespace ringcache::config {

// A path that begins with "/"; `null_is_empty` as in TextRules.
Codec<std::string> absolute_path(bool null_is_empty);

Codec<std::optional<proxy::ClientTlsOptions>> client_tls();
Codec<std::optional<proxy::ClientAuthOptions>> client_auth();
Codec<std::optional<routing::NodeTlsOptions>> node_tls();
Codec<std::optional<routing::NodeAuthOptions>> node_auth();

// Rules between `listen`, `tls` and its fields. `error` gets a JSON pointer and a message.
void check_client_access(const proxy::ProxyOptions& options,
                         const std::function<void(const std::string&, std::string)>& error);

}  // namespace ringcache::config
