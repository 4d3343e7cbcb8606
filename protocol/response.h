// One element of a reply, and the fixed texts of all replies.
//
// A reply is one line, or, for retrieval and stats, a run of elements and a last one. Views point
// into the bytes given to ResponseParser::parse() and die with them.
//
// Source: memcached doc/protocol.txt, the "Where CD is one of" lists and section "Error strings".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/command.h"

namespace ringcache::protocol {

enum class ResponseStatus : std::uint8_t {
  // retrieval
  kValue,  // VALUE <key> <flags> <bytes> [<cas>] and its data
  kEnd,    // END, after values or stats
  // storage, delete, touch
  kStored,
  kNotStored,
  kExists,
  kNotFound,
  kDeleted,
  kTouched,
  // the rest of the text protocol
  kNumber,   // incr, decr
  kOk,       // flush_all, verbosity, stats detail
  kReset,    // stats reset
  kVersion,  // VERSION <text>
  kStat,     // STAT, ITEM or PREFIX line
  // meta
  kMetaHit,        // HD
  kMetaValue,      // VA <bytes> <flags>* and its data
  kMetaMiss,       // EN
  kMetaNotFound,   // NF
  kMetaNotStored,  // NS
  kMetaExists,     // EX
  kMetaNoop,       // MN
  kMetaDebug,      // ME <key> <k>=<v>*
  // section "Error strings"
  kError,
  kClientError,
  kServerError,
};

inline constexpr std::size_t kResponseStatusCount =
    static_cast<std::size_t>(ResponseStatus::kServerError) + 1;

constexpr bool is_error(ResponseStatus status) {
  return status >= ResponseStatus::kError;
}

// Whether the answer with this status is not sent when the request was quiet (noreply, or the meta
// flag q). As memcached 1.6.18: noreply hides everything, errors of the command included; q hides
// HD, EN, and the VA of ma, never an error, never a hit of mg.
constexpr bool quiet_suppresses(Command command, ResponseStatus status) {
  if (!spec(command).meta) return spec(command).takes_noreply;
  switch (status) {
    case ResponseStatus::kMetaMiss:
      return command == Command::kMetaGet;
    case ResponseStatus::kMetaHit:
    case ResponseStatus::kMetaValue:
      return command == Command::kMetaSet || command == Command::kMetaDelete ||
             command == Command::kMetaArithmetic;
    default:
      return false;
  }
}

// Fixed answers, whole lines.
inline constexpr std::string_view kCrlf = "\r\n";
inline constexpr std::string_view kStored = "STORED\r\n";
inline constexpr std::string_view kNotStored = "NOT_STORED\r\n";
inline constexpr std::string_view kExists = "EXISTS\r\n";
inline constexpr std::string_view kNotFound = "NOT_FOUND\r\n";
inline constexpr std::string_view kDeleted = "DELETED\r\n";
inline constexpr std::string_view kTouched = "TOUCHED\r\n";
inline constexpr std::string_view kOk = "OK\r\n";
inline constexpr std::string_view kReset = "RESET\r\n";
inline constexpr std::string_view kEnd = "END\r\n";
inline constexpr std::string_view kMetaNoop = "MN\r\n";
inline constexpr std::string_view kMetaMiss = "EN\r\n";

// Error texts, without CRLF, as Request::error has them; write_line() of response_writer.h ends
// them. The first group is the parser's.
inline constexpr std::string_view kErrorUnknownCommand = "ERROR";
inline constexpr std::string_view kErrorNoTls = "Error TLS not enabled";
inline constexpr std::string_view kErrorBadLineFormat = "CLIENT_ERROR bad command line format";
inline constexpr std::string_view kErrorBadLine = "CLIENT_ERROR bad command line";
inline constexpr std::string_view kErrorDeleteUsage =
    "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
inline constexpr std::string_view kErrorBadExptime = "CLIENT_ERROR invalid exptime argument";
inline constexpr std::string_view kErrorBadDelta = "CLIENT_ERROR invalid numeric delta argument";
inline constexpr std::string_view kErrorBadToken = "CLIENT_ERROR bad token in command line format";
inline constexpr std::string_view kErrorBadInitial = "CLIENT_ERROR invalid numeric initial value";
inline constexpr std::string_view kErrorBadMetaDelta = "CLIENT_ERROR invalid numeric delta value";
inline constexpr std::string_view kErrorModeLength = "CLIENT_ERROR incorrect length for M token";
inline constexpr std::string_view kErrorSetMode = "CLIENT_ERROR invalid mode for ms M token";
inline constexpr std::string_view kErrorArithmeticMode = "CLIENT_ERROR invalid mode for ma M token";
inline constexpr std::string_view kErrorDuplicateFlag = "CLIENT_ERROR duplicate flag";
inline constexpr std::string_view kErrorInvalidFlag = "CLIENT_ERROR invalid flag";
inline constexpr std::string_view kErrorInvalidOrDuplicateFlag =
    "CLIENT_ERROR invalid or duplicate flag";
inline constexpr std::string_view kErrorKeyDecoding = "CLIENT_ERROR error decoding key";
inline constexpr std::string_view kErrorManyGetFlags = "CLIENT_ERROR options flags are too long";
inline constexpr std::string_view kErrorManyFlags = "CLIENT_ERROR options flags too long";
inline constexpr std::string_view kErrorOpaqueTooLong = "CLIENT_ERROR opaque token too long";
// The second group is the server's. kErrorBadDataChunk, kErrorTooLarge and kErrorOutOfMemoryStoring
// are hidden by noreply, but never by the meta q.
inline constexpr std::string_view kErrorBadDataChunk = "CLIENT_ERROR bad data chunk";
inline constexpr std::string_view kErrorNonNumeric =
    "CLIENT_ERROR cannot increment or decrement non-numeric value";
inline constexpr std::string_view kErrorStatsDetailUsage =
    "CLIENT_ERROR usage: stats detail on|off|dump";
inline constexpr std::string_view kErrorTooLarge = "SERVER_ERROR object too large for cache";
inline constexpr std::string_view kErrorOutOfMemoryStoring =
    "SERVER_ERROR out of memory storing object";
inline constexpr std::string_view kErrorOutOfMemory = "SERVER_ERROR out of memory";
inline constexpr std::string_view kErrorOutOfMemoryReading =
    "SERVER_ERROR out of memory writing get response";

struct Response {
  // --- kDone (and, of a kValue or kMetaValue whose line is complete, kNeedMore) ---

  ResponseStatus status = ResponseStatus::kError;

  // No further element belongs to this reply.
  bool last = true;

  std::string_view bytes;  // the whole element with its CRLFs; forward it as it is (kDone only)
  std::string_view line;   // its first line without CRLF
  std::string_view key;    // kValue, kMetaDebug; kMetaX: the k flag as it came
  std::string_view value;  // kValue, kMetaValue: the data (kDone only)

  // kValue, kMetaValue: where the data starts in the element and how long it is, so that a large
  // value can be forwarded while it is still arriving. header_bytes is 0 until the line is there.
  std::size_t header_bytes = 0;
  std::size_t value_bytes = 0;

  std::uint32_t client_flags = 0;  // kValue; meta f
  std::uint64_t cas_unique = 0;    // kValue of gets, gats; meta c
  bool has_cas = false;
  std::uint64_t number = 0;  // kNumber

  std::string_view meta_flags;  // kMetaX: what follows the code (and size): "k<key> c12 W"
  std::string_view opaque;      // kMetaX: O, without the letter

  // --- kNeedMore ---

  // Size of the whole element once its line is there, else the size so far plus one: do not call
  // again with fewer bytes.
  std::size_t bytes_needed = 0;

  // --- kInvalid ---

  std::string_view error;  // what is wrong, for the log; a constant
};

}  // namespace ringcache::protocol
