#pragma once

#include <string_view>

namespace ringcache::net {

/// Whether the two are the same, in a time that does not tell how much of a wrong one was right
/// (only whether its length was).
bool equal_secrets(std::string_view left, std::string_view right);

}  // namespace ringcache::net
