// Answers of a server, written into memory of the caller. No heap.
//
// Every function returns the end of what it wrote and has a ..._bytes_max that the caller must
// provide at `out`. Fixed answers are constants in response.h.
//
// Source: memcached doc/protocol.txt; the order of returned meta flags is memcached 1.6.18's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/command.h"
#include "protocol/limits.h"
#include "protocol/request.h"
#include "protocol/response.h"

namespace ringcache::protocol {

// `text` and CRLF: error texts, "VERSION 1.2.3".
constexpr std::size_t line_bytes_max(std::string_view text) {
  return text.size() + 2;
}
char* write_line(char* out, std::string_view text);

// "VALUE <key> <flags> <bytes>[ <cas>]" and CRLF. Data and its CRLF follow.
constexpr std::size_t value_header_bytes_max(std::string_view key) {
  return 6 + key.size() + 3 * (1 + kNumberTextBytesMax) + 2;
}
char* write_value_header(char* out, std::string_view key, std::uint32_t client_flags,
                         std::size_t value_bytes);
char* write_value_header(char* out, std::string_view key, std::uint32_t client_flags,
                         std::size_t value_bytes, std::uint64_t cas_unique);

// "<number>" and CRLF: incr, decr.
inline constexpr std::size_t kNumberLineBytesMax = kNumberTextBytesMax + 2;
char* write_number(char* out, std::uint64_t number);

// "STAT <name> <value>" and CRLF.
constexpr std::size_t stat_bytes_max(std::string_view name, std::string_view value) {
  return 5 + name.size() + 1 + value.size() + 2;
}
constexpr std::size_t stat_bytes_max(std::string_view name) {
  return 5 + name.size() + 1 + kNumberTextBytesMax + 2;
}
char* write_stat(char* out, std::string_view name, std::string_view value);
char* write_stat(char* out, std::string_view name, std::uint64_t value);

// What a meta answer may tell of an item. Fill in what the request's flags ask for.
struct MetaItemFacts {
  std::string_view key;            // k: the true key
  bool key_is_base64 = false;      // k is encoded and followed by " b"
  std::size_t value_bytes = 0;     // VA <size>, s
  std::uint32_t client_flags = 0;  // f
  std::uint64_t cas_unique = 0;    // c
  std::int64_t ttl_s = -1;         // t: -1 is never
  std::int64_t last_access_s = 0;  // l: seconds since, before this command
  bool fetched = false;            // h: hit before this command
  bool won = false;                // W: this client shall recache
  bool stale = false;              // X
  bool win_sent = false;           // Z: another client won before
};

// "<code>[ <size>][ <flag>]*" and CRLF, with the flags that the request asked for and that the
// answer of this command and status has, in the order asked, then Z, X, W:
//   mg HD, VA  b(with k) c f h k l O s t       mg EN, md, ma NF NS EX   k O
//   ma HD, VA  c k O t                         ms                       c k O
// For VA the data and its CRLF follow. `key` and `key_is_base64` are what k returns in any case.
inline constexpr std::size_t kMetaLineBytesMax = 768;
char* write_meta(char* out, Command command, ResponseStatus status, MetaReplyFlags flags,
                 const MetaItemFacts& facts);

// "ME <key> exp=<s> la=<s> cas=<n> fetch=<yes|no> cls=<n> size=<n>" and CRLF.
struct MetaDebugFacts {
  std::string_view key;
  bool key_is_base64 = false;
  std::int64_t ttl_s = -1;  // exp: seconds left, -1 never
  std::int64_t last_access_s = 0;
  std::uint64_t cas_unique = 0;
  bool fetched = false;
  std::uint32_t slab_class = 0;
  std::uint64_t item_bytes = 0;
};
char* write_meta_debug(char* out, const MetaDebugFacts& facts);

}  // namespace ringcache::protocol
