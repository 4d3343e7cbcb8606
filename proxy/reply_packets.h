// ReplyPackets of a pending request: what a client of the binary protocol is answered with, made of
// the text reply of a node or of the proxy itself (protocol/binary_translation.h).
//
// Elements of the reply come one after the other, a large value in parts; each call says what goes
// to the client for it: a head, then bytes of the value, which may stay in the buffer they came in.
//
//   VALUE, VA, HD        a packet with the value, if the command returns one
//   END, EN, NF, ...     a packet with the status, unless it is what a quiet command hides
//   STAT ... END         a packet each, and an empty one (write_stats)
//
// Owned by its PendingRequest, touched by its worker only; allocates nothing when warm.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/binary_request_parser.h"
#include "protocol/binary_response_writer.h"
#include "protocol/binary_translation.h"
#include "protocol/command.h"
#include "protocol/response.h"

namespace ringcache::proxy {

class ReplyPackets {
 public:
  // Where a head is written.
  using Scratch = std::array<char, protocol::kBinaryReplyBytesMax + protocol::kBinaryTextBytesMax>;

  struct Piece {
    std::string_view head = {};   // in the scratch space, or empty
    std::size_t skip_bytes = 0;   // of the element, before its value
    std::string_view value = {};  // in the element
  };

  // For the answer to a request that was just parsed.
  void begin(const protocol::BinaryRequest& request);
  // Of no request.
  void clear();
  bool wanted() const { return wanted_; }

  // The next element of the reply to `command`, or the next part of one whose beginning was given.
  Piece take(protocol::Command command, std::string_view element, Scratch& scratch);
  // The whole reply to stats, put behind what is in `packets`.
  void write_stats(std::string_view lines, std::string& packets) const;

 private:
  Piece begin_value(const protocol::Response& response, std::string_view element, Scratch& scratch);
  Piece go_on(std::string_view part);
  Piece number(const protocol::Response& response, Scratch& scratch) const;
  Piece status(const protocol::Response& response, Scratch& scratch) const;
  void append_stat(std::string_view name, std::string_view value, std::string& packets) const;

  protocol::BinaryAnswer answer_;
  bool wanted_ = false;
  bool has_hit_ = false;           // the END behind a VALUE says nothing
  std::uint64_t value_left_ = 0;   // bytes of a value that comes in parts
  std::size_t line_end_left_ = 0;  // of the CRLF behind it
  std::string key_;                // of getk and gatk
};

}  // namespace ringcache::proxy
