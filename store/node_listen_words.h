// The words of -l: where to listen, as memcached 1.6 reads them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace ringcache::store {

// `text` is a list, parted by commas or semicolons, of
//
//   [proto[ascii|negotiating]:][tag[name]:]host[:port]
//
// A host is a name, a number, an IPv6 number with or without brackets (with a port only with), or
// `*`, which is every interface. `default_port` for those without a port. A tag has no effect,
// nor has proto[ascii]: `warnings` say so. Appends to `listen`; returns what is wrong, or nothing.
std::string parse_listen_words(std::string_view text, int default_port,
                               std::vector<net::Address>& listen,
                               std::vector<std::string>& warnings);

}  // namespace ringcache::store
