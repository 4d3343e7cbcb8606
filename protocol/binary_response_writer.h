// Answers of the binary protocol, written into memory of the caller. No heap.
//
// Source: memcached doc/protocol-binary.txt; the bodies are memcached 1.6.18's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/binary.h"
#include "protocol/limits.h"

namespace ringcache::protocol {

// An answer up to its value. Returns the end of what it wrote, at most kBinaryReplyBytesMax with a
// key of a request. `value_bytes` bytes of value have to follow.
struct BinaryReply {
  BinaryStatus status = BinaryStatus::kSuccess;
  std::uint64_t cas = 0;
  bool has_flags = false;  // the extras of a hit
  std::uint32_t client_flags = 0;
  std::string_view key = {};
  std::size_t value_bytes = 0;
};
inline constexpr std::size_t kBinaryReplyBytesMax = kBinaryHeaderBytes + 4 + kKeyBytesMax;
char* write_binary_reply(char* out, const BinaryAnswer& answer, const BinaryReply& reply);

// A whole answer whose value is short: a status with its text, a version. REQUIRES room for
// kBinaryHeaderBytes + text.size().
char* write_binary_text(char* out, const BinaryAnswer& answer, BinaryStatus status,
                        std::string_view text, std::uint64_t cas = 0);
// The longest that binary_status_text() has to say.
inline constexpr std::size_t kBinaryStatusBytesMax = kBinaryHeaderBytes + 64;
inline char* write_binary_status(char* out, const BinaryAnswer& answer, BinaryStatus status,
                                 std::uint64_t cas = 0) {
  return write_binary_text(out, answer, status, binary_status_text(status), cas);
}

// The answer to an increment or decrement.
inline constexpr std::size_t kBinaryNumberBytes = kBinaryHeaderBytes + 8;
char* write_binary_number(char* out, const BinaryAnswer& answer, std::uint64_t number,
                          std::uint64_t cas);

}  // namespace ringcache::protocol
