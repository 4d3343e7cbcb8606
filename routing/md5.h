// MD5 of a short text, for the rings that were defined with it. Not for security.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ringcache::routing {

// The digest's 16 bytes. Allocates nothing; any thread.
std::array<std::uint8_t, 16> md5(std::string_view text);

}  // namespace ringcache::routing
