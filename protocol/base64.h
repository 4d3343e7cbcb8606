// Base64 of meta keys (protocol.txt section "Meta Get", flag b), with memcached's leniency.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace ringcache::protocol {

constexpr std::size_t base64_encoded_bytes(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

// REQUIRES: base64_encoded_bytes(bytes.size()) bytes at `out`. Returns the end of what was written.
char* base64_encode(char* out, std::string_view bytes);

// Decodes as memcached does: characters outside the alphabet are skipped, the number of the others
// must be a multiple of four and not zero, and the first padded group ends the text.
// REQUIRES: text.size() / 4 * 3 bytes at `out`. Returns the number of bytes decoded; 0 is an error.
std::size_t base64_decode(char* out, std::string_view text);

}  // namespace ringcache::protocol
