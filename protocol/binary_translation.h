// The binary protocol in the words of the text protocol, for a proxy whose nodes speak that.
//
// A request becomes one command line that asks for the same and whose reply says all that the
// answer needs: gets for a get, meta commands for what the text commands do not tell (the CAS of
// what was stored, a value's flags with its new expiry), the words of the rest. A key that a text
// command cannot hold goes as base64, with the meta flag b.
//
// Stateless: everything is in the arguments, any thread may call. No I/O, no heap.
//
// Source: memcached doc/protocol-binary.txt and doc/protocol.txt; which status answers what is
// memcached 1.6.18's.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/binary.h"
#include "protocol/binary_request_parser.h"
#include "protocol/limits.h"
#include "protocol/response.h"

namespace ringcache::protocol {

// Room for any line that write_as_text() writes: a command, a key, nine flags with a number.
inline constexpr std::size_t kTextOfBinaryBytesMax = 256 + kKeyBytesMax;

// The command line with CRLF; the value of a storage command, and a CRLF, are to follow it.
// nullptr: no text command can say it, because the key is too long as base64 (above 186 bytes, of
// which some are spaces or control characters), or a stat's name has such bytes.
// REQUIRES kTextOfBinaryBytesMax bytes at `out`. Returns the end of what was written.
char* write_as_text(char* out, const BinaryRequest& request);

// Whether the key can stand in a text command as it is: no space, no control character.
bool is_text_key(std::string_view key);

// The status that a reply's element means as the answer to `command`.
BinaryStatus binary_status_of(BinaryCommand command, const Response& response);

// The text of an answer with this status: memcached's, or for a failure that is not its own what
// the node's or the proxy's line says of it, cut to kBinaryTextBytesMax.
inline constexpr std::size_t kBinaryTextBytesMax = 200;
std::string_view binary_text_of(BinaryStatus status, const Response& response);

}  // namespace ringcache::protocol
