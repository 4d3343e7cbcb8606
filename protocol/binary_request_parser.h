// Bytes of a client of the binary protocol -> BinaryRequest, one packet per call.
//
// Stateless: everything is in the arguments, any thread may call. No I/O, no heap. The value of a
// storage command is not parsed: it is the value_bytes bytes behind what was consumed, with no line
// ending, and the caller's to read or to drop.
//
// What is refused, and whether the connection goes on, is memcached 1.6.18's; two things that it
// overlooks are refused like their kind: a value behind a key that takes none, and a value's length
// that no text command could name.
//
// Source: memcached doc/protocol-binary.txt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/binary.h"
#include "protocol/parse_result.h"

namespace ringcache::protocol {

struct BinaryRequest {
  BinaryAnswer answer;  // whose command and flags say what to do

  // --- kDone ---

  bool touches = false;  // gat: kGet that sets the expiry, too
  std::string_view key;  // stat: the words after "stats"; points into the bytes parsed
  std::uint64_t cas = 0;
  std::uint32_t client_flags = 0;  // set add replace
  std::uint32_t exptime_s = 0;     // those, touch, gat, flush (its delay), increment, decrement
  std::uint32_t value_bytes = 0;   // follow
  std::uint64_t delta = 0;         // increment, decrement; verbosity: the level
  std::uint64_t initial = 0;       // increment, decrement
  bool creates() const { return exptime_s != kBinaryNoCreate; }
  bool has_value() const;  // a storage command, though its value may be empty

  // --- kInvalid ---

  BinaryStatus status = BinaryStatus::kSuccess;  // to answer; kSuccess: nothing
  std::uint64_t swallow_bytes = 0;               // to drop behind what was consumed
  bool close = false;                            // after the answer, if any
};

// Reads one packet up to its value from the front of `bytes`.
//
//   kDone      consumed_bytes of header, extras and key; the value follows
//   kNeedMore  nothing is consumed; kBinaryPacketBytesMax bytes are always enough
//   kInvalid   see BinaryRequest; consumed_bytes > 0 unless close
inline constexpr std::size_t kBinaryPacketBytesMax = kBinaryHeaderBytes + 20 + 250;
ParseResult parse_binary_request(std::string_view bytes, BinaryRequest& request,
                                 std::size_t& consumed_bytes);

}  // namespace ringcache::protocol
