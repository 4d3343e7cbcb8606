// Server bytes -> Response, one element of a reply per call. For the proxy, which reads what its
// nodes answer and must not trust it.
//
// Stateless: everything is in the arguments, any thread may call. Bounded work: a line is searched
// for within kReplyLineBytesMax bytes only, a value is skipped by its length, never scanned, so a
// large value that dribbles in costs a short header parse per call and no more; a caller that obeys
// Response::bytes_needed calls once or twice per element.
//
// A reply that breaks the protocol is kInvalid, and after it nothing on that connection can be
// trusted: drop the connection, never resynchronise.
//
// Source: memcached doc/protocol.txt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/command.h"
#include "protocol/parse_result.h"
#include "protocol/response.h"

namespace ringcache::protocol {

// How the reply to a command is framed.
enum class ReplyKind : std::uint8_t {
  kLine,    // one line
  kValues,  // VALUE*, then END
  kMeta,    // one line, and data if it says VA
  kStats,   // STAT*, then END; or one OK or RESET line
};

// REQUIRES: the command has a reply (quit has none).
constexpr ReplyKind reply_kind(Command command) {
  switch (command) {
    case Command::kGet:
    case Command::kGets:
    case Command::kGat:
    case Command::kGats:
      return ReplyKind::kValues;
    case Command::kStats:
      return ReplyKind::kStats;
    default:
      return spec(command).meta ? ReplyKind::kMeta : ReplyKind::kLine;
  }
}

class ResponseParser {
 public:
  // Values larger than `value_bytes_max` are kInvalid: a node may not make the proxy wait for (or
  // hold) more than it is configured for.
  explicit ResponseParser(std::size_t value_bytes_max) : value_bytes_max_(value_bytes_max) {}

  // Reads one element from the front of `bytes`. On kDone it is consumed_bytes long; otherwise
  // consumed_bytes is 0.
  //
  //   kDone      `response` is a VALUE with its data, a STAT line, or a last line (last == true).
  //              ERROR, CLIENT_ERROR and SERVER_ERROR end a reply of any kind.
  //   kNeedMore  response.bytes_needed; for a value also its header (see Response).
  //   kInvalid   response.error: unknown or foreign line, bad number, value too large, no CRLF
  //              after data, line too long.
  ParseResult parse(std::string_view bytes, ReplyKind kind, Response& response,
                    std::size_t& consumed_bytes) const;

 private:
  std::size_t value_bytes_max_;
};

}  // namespace ringcache::protocol
