// Writing text into memory of the caller, for the two writers. REQUIRES: room at `out`.
#pragma once

#include <cstring>
#include <string_view>

namespace ringcache::protocol {

inline char* append(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

inline char* append(char* out, char c) {
  *out = c;
  return out + 1;
}

}  // namespace ringcache::protocol
