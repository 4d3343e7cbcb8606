#pragma once

// One line of a server's answer, text or meta protocol, without its line end (protocol.txt,
// "Retrieval command", "Storage commands", "Meta Get", "Error strings"). A function of its
// argument: no state, no allocation.

#include <cstdint>
#include <string_view>

namespace ringcache::bench {

enum class ReplyKind : std::uint8_t {
  kValue,        // VALUE or VA: value_bytes bytes and a line end follow
  kEnd,          // END: the end of a text retrieval
  kStored,       // STORED, or HD
  kNotStored,    // NOT_STORED, or NS
  kMiss,         // EN: a meta get found nothing
  kNoop,         // MN
  kVersion,      // VERSION ...
  kServerError,  // SERVER_ERROR ..., or ERROR, CLIENT_ERROR ...: the request was refused
  kMalformed,    // none of these: the stream cannot be trusted from here on
};

struct ReplyLine {
  ReplyKind kind = ReplyKind::kMalformed;
  std::string_view key;  // a view into the line; empty where the reply names none
  std::uint32_t client_flags = 0;
  std::uint32_t value_bytes = 0;
};

ReplyLine parse_reply_line(std::string_view line);

}  // namespace ringcache::bench
