// The two ends of a socket as memcached's `stats conns` writes them: tcp:127.0.0.1:51234,
// tcp6:[::1]:51234, unix:/run/ringcache.sock. Any thread.
#pragma once

#include <string>

#include "net/resolver.h"

namespace ringcache::store {

std::string peer_name(const net::Endpoint& peer);
// The address of this end of a socket.
std::string listener_name(int fd);

}  // namespace ringcache::store
