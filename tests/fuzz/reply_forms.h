// Which replies a memcached server may give, whatever it was asked.
#pragma once

#include <string>
#include <string_view>

namespace ringcache::test {

// What is wrong with the first reply in a server's bytes that is none of memcached's, or that has
// no whole value; empty: nothing. A reply that is cut at the very end is not wrong.
// Source: protocol.txt, all sections on responses.
std::string first_strange_reply(std::string_view bytes);

// The same of packets of the binary protocol: protocol-binary.txt, "Response header".
std::string first_strange_packet(std::string_view bytes);

}  // namespace ringcache::test
