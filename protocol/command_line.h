// The words of one whole command line -> Request, for every command but the retrieval ones. The
// inner half of RequestParser, which finds the line.
//
// Source: memcached doc/protocol.txt; what is checked in which order is memcached 1.6.18's, since
// the order decides which error a line with two mistakes gets.
#pragma once

#include <string_view>

#include "protocol/parse_result.h"
#include "protocol/request.h"

namespace ringcache::protocol {

// Puts every scalar field of `request` to its default. The arrays behind the spans keep garbage.
void reset(Request& request);

// Fills a reset `request` from `line` (no line ending, no NUL). kDone or kInvalid.
ParseResult parse_command_line(std::string_view line, Request& request);

// kInvalid with this text. `quiet` is what the caller has found out so far.
ParseResult refuse(Request& request, std::string_view error);

}  // namespace ringcache::protocol
