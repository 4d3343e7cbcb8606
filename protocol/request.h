// One parsed command line.
//
// A Request is scratch space: one per worker thread, filled by RequestParser::parse() and used up
// before the next call, so that a connection that waits costs no parse memory. Its views point into
// the bytes given to parse() (or into the Request itself, where it says so) and are dead as soon as
// those bytes are consumed. What must live longer, while a data block arrives, is copied by the
// owner: see SavedMetaFlags.
//
// Source: memcached doc/protocol.txt, one section per command; sizes in limits.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/command.h"
#include "protocol/limits.h"

namespace ringcache::protocol {

// What the writer of a meta reply needs to know of the request: the letters of its flags in the
// order they came, and its opaque (without the O).
struct MetaReplyFlags {
  std::string_view letters;
  std::string_view opaque;
};

// The flags of a meta command (sections "Meta Get" to "Meta Arithmetic").
//
// Every flag of every meta command is known to the one parser, as in memcached: a flag that means
// nothing to a command is accepted and without effect. A number that was not sent has its default.
struct MetaFlags {
  bool has(char letter) const { return (present >> (letter & 63) & 1) != 0; }

  // The flags as they came, letter first: "v", "T30", "Oabc".
  std::span<const std::string_view> tokens() const { return {token_storage.data(), count}; }
  // Their letters, in the same order. Points into this object.
  std::string_view letters() const { return {letter_storage.data(), count}; }
  MetaReplyFlags reply_flags() const { return {letters(), opaque}; }

  std::string_view opaque;         // O, without the letter
  std::int64_t ttl_s = 0;          // T: an exptime as in "Expiration times"
  std::int64_t vivify_ttl_s = 0;   // N: the same, for an item made on a miss
  std::int64_t recache_ttl_s = 0;  // R: win the recache below this TTL
  std::uint32_t client_flags = 0;  // F
  std::uint64_t compare_cas = 0;   // C
  std::uint64_t explicit_cas = 0;  // E: the CAS the item gets (memcached 1.6.21 and later)
  std::uint64_t delta = 1;         // D
  std::uint64_t initial = 0;       // J
  char mode = 0;                   // M: for ms one of EAPRS, for ma one of I+D-; 0 when not sent

  std::uint64_t present = 0;  // bit (letter & 63) for each letter sent: A-Z and a-z never collide
  std::size_t count = 0;
  std::array<char, kMetaFlagsMax> letter_storage;
  std::array<std::string_view, kMetaFlagsMax> token_storage;
};

// The part of MetaFlags that the answer to an ms needs after its data block has arrived and the
// command line is gone. Plain bytes; copy it into the connection.
class SavedMetaFlags {
 public:
  SavedMetaFlags() = default;
  explicit SavedMetaFlags(const MetaFlags& flags);
  MetaReplyFlags reply_flags() const {
    return {{letters_.data(), letter_count_}, {opaque_.data(), opaque_bytes_}};
  }

 private:
  std::uint8_t letter_count_ = 0;
  std::uint8_t opaque_bytes_ = 0;
  std::array<char, kMetaFlagsMax> letters_;
  std::array<char, kOpaqueBytesMax> opaque_;
};

struct Request {
  // --- kDone ---

  Command command = Command::kGet;

  // No answer to a success: "noreply", or the meta flag q. What exactly q hides is
  // quiet_suppresses() in response.h; noreply hides everything but what says otherwise there.
  bool quiet = false;

  // A multiget with more keys than fit is delivered as several Requests of the same command, one
  // per call. first_keys is false on all but the first, more_keys is true on all but the last; the
  // last may have no key. Every other Request has first_keys and not more_keys.
  bool first_keys = true;
  bool more_keys = false;

  // The meta key came as base64 (flag b): keys()[0] is decoded, wire_key is what came.
  bool key_is_base64 = false;

  // The true keys. One for every command that takes a key, any number up to
  // kMultigetKeysPerRequest for get, gets, gat, gats ("gat 0" has none), none for the others.
  std::span<const std::string_view> keys() const { return {key_storage.data(), key_count}; }
  std::string_view key() const { return key_storage[0]; }  // REQUIRES: the command has one
  std::string_view wire_key;                               // meta commands only

  // The command line without its line ending, cut at an embedded NUL as memcached does. Empty for a
  // multiget that is delivered in parts or is longer than kCommandLineBytesMax.
  std::string_view line;

  // Storage commands and ms: the data block, value_bytes long and then CRLF, follows the line. It
  // is the caller's to read.
  std::uint32_t value_bytes = 0;
  std::uint32_t client_flags = 0;  // storage commands, ms F

  // Storage commands, touch, gat, gats, ms T, ma T; flush_all: the delay. As sent: 0 never,
  // negative already over, up to kRelativeExptimeMax relative, else Unix time.
  std::int64_t exptime_s = 0;
  bool has_exptime = false;  // flush_all: a delay was sent

  std::uint64_t cas_unique = 0;  // cas, meta C
  std::uint64_t delta = 0;       // incr, decr, ma D; verbosity: the level

  // stats, flush_all, verbosity, watch, version, refresh_certs, quit, mn: the words after the
  // command.
  std::span<const std::string_view> args() const { return {arg_storage.data(), arg_count}; }

  MetaFlags meta;  // meta commands only; stale on others

  // --- kInvalid ---

  // What to answer, without CRLF; empty for nothing. `quiet` says whether noreply hides it.
  std::string_view error;
  // Bytes of data block and CRLF that belong to the refused command: drop that many after
  // consumed_bytes, so that data is never run as commands.
  std::uint64_t swallow_bytes = 0;
  // Close the connection (after the error, if any).
  bool close = false;

  // --- storage of the spans above ---

  std::size_t key_count = 0;
  std::size_t arg_count = 0;
  std::array<std::string_view, kMultigetKeysPerRequest> key_storage;
  std::array<std::string_view, kArgsMax> arg_storage;
  std::array<char, kKeyBytesMax> decoded_key;
};

}  // namespace ringcache::protocol
