// What a parser made of a stream, as text: one line per element, so that two ways of cutting the
// same stream are compared with ==, and a failing test prints something to read.
//
// The harness is the least a caller of the parsers must do (drop what is consumed, read the data
// block, swallow what belongs to a refused command, stop at a close), and checks on the way what
// the headers promise. Used by the unit tests and the fuzz targets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/response_parser.h"

namespace ringcache::test {

struct Transcript {
  std::vector<std::string> lines;
  std::string broken_promise;  // empty if all held
  std::size_t parse_calls = 0;
  bool operator==(const Transcript& other) const {
    return lines == other.lines && broken_promise == other.broken_promise;
  }
};

// Feeds the pieces one after the other to one RequestParser. A multiget is one line however it was
// delivered in parts.
Transcript transcribe_requests(const std::vector<std::string_view>& pieces);

// Feeds the pieces to a ResponseParser for replies of one kind, one after the other.
Transcript transcribe_replies(const std::vector<std::string_view>& pieces, protocol::ReplyKind kind,
                              std::size_t value_bytes_max);

// Bytes as printable text.
std::string printable(std::string_view bytes);

}  // namespace ringcache::test
