// The two ends of a socket as memcached's `stats conns` writes them: tcp:127.0.0.1:51234,
// tcp6:[::1]:51234, unix:/run/ringcache.sock. Any thread.
#pragma once

#include <string>

namespace ringcache::store {

std::string peer_name(int fd);
// The address of this end.
std::string listener_name(int fd);

}  // namespace ringcache::store
