// Every limit of the wire protocol: name, unit, and where it comes from.
//
// "section" is a heading of memcached's doc/protocol.txt; "memcached" is what memcached 1.6.18
// answers on a socket where protocol.txt is silent. Nothing else in protocol/ spells these numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringcache::protocol {

// Keys (section "Keys"). A base64 meta key is limited in its encoded form, 62 groups of four, so it
// decodes to at most 186 bytes.
inline constexpr std::size_t kKeyBytesMax = 250;
inline constexpr std::size_t kBase64KeyDecodedBytesMax = kKeyBytesMax / 4 * 3;

// Bytes of a command line before its '\n', a '\r' included (memcached: a connection with more than
// 2048 bytes and no newline is closed, unless they start a multiget).
inline constexpr std::size_t kCommandLineBytesMax = 2048;

// Leading spaces a multiget longer than one line may start with (memcached: more close it).
inline constexpr std::size_t kLeadingSpacesMax = 100;

// Keys of one Request. A multiget may have any number of keys (section "Retrieval command"); a
// longer one is delivered as several Requests, so that the memory of a parse stays bounded.
inline constexpr std::size_t kMultigetKeysPerRequest = 256;

// Words memcached looks at in a command line, the command included; further ones are ignored.
inline constexpr std::size_t kWordsMax = 23;
inline constexpr std::size_t kArgsMax = kWordsMax - 1;

// Words of a meta command line, command, key and data length included (memcached).
inline constexpr std::size_t kMetaWordsMax = 19;
// Flags of a meta command: what is left beside command and key.
inline constexpr std::size_t kMetaFlagsMax = kMetaWordsMax - 2;

// The opaque of a meta command (section "Meta Get", flag O): 32 bytes counting the letter O, as
// memcached counts.
inline constexpr std::size_t kOpaqueTokenBytesMax = 32;
inline constexpr std::size_t kOpaqueBytesMax = kOpaqueTokenBytesMax - 1;

// Data block (section "Storage commands", <bytes>): what the line may name at all, and what a
// server takes unless told otherwise (memcached -I 1m).
inline constexpr std::int64_t kValueBytesNameable = INT32_MAX - 2;
inline constexpr std::size_t kValueBytesMaxDefault = 1024 * 1024;

// Text of one number: a sign and the 20 digits of 2^64-1.
inline constexpr std::size_t kNumberTextBytesMax = 21;

// Seconds. A relative exptime is at most 30 days; anything larger is a Unix time (section
// "Expiration times").
inline constexpr std::int64_t kRelativeExptimeMax = 60 * 60 * 24 * 30;

// A line of a reply, its CRLF included. The longest that a server of the memcached family writes
// is a STAT line; a VALUE or meta line needs under 512.
inline constexpr std::size_t kReplyLineBytesMax = 4096;

// A first byte that no text command starts with: a client of the binary protocol.
inline constexpr unsigned char kBinaryProtocolMagic = 0x80;

}  // namespace ringcache::protocol
