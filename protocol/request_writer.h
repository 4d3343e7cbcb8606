// Request -> the bytes a proxy sends to a node, into memory of the caller. No heap.
//
// Every forwarded request has exactly one reply: noreply and the meta flag q are left out (the
// proxy itself keeps silent, see quiet_suppresses()). Numbers are written anew from what was
// parsed, and superfluous words are dropped, so that a node with a slightly different idea of a
// number or a word can never disagree with us about where a request ends. Keys, base64 keys and the
// other meta flags go out as they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/command.h"
#include "protocol/request.h"

namespace ringcache::protocol {

// The command line with CRLF; the data block, if any, is the caller's to append. Not for parts of a
// multiget (write_multiget) and not for quit.
std::size_t request_line_bytes_max(const Request& request);
// REQUIRES: request_line_bytes_max(request) bytes at `out`. Returns the end of what was written.
char* write_request_line(char* out, const Request& request);

// "get|gets <key>*" or "gat|gats <exptime> <key>*" with CRLF.
// REQUIRES: a multi_key command; at least one key; multiget_bytes_max() bytes at `out`. A caller
// that sends more than a line's worth (kCommandLineBytesMax) of gat or gats keys to a memcached
// should cut them, since memcached streams only get and gets.
std::size_t multiget_bytes_max(std::span<const std::string_view> keys);
char* write_multiget(char* out, Command command, std::int64_t exptime_s,
                     std::span<const std::string_view> keys);

}  // namespace ringcache::protocol
