// The words of memcached's binary protocol: opcodes, statuses and their texts.
//
// A packet is a header of 24 bytes, then extras, key and value, whose lengths it tells. Numbers are
// big-endian. A request and its answer have the same header but for one field:
//
//   0      1        2-3          4        5          6-7               8-11   12-15   16-23
//   magic  opcode   key length   extras   data type  vbucket | status  body   opaque  cas
//
// Source: memcached doc/protocol-binary.txt; what protocol_binary.h and memcached 1.6.18's answers
// say where it is silent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcache::protocol {

inline constexpr std::size_t kBinaryHeaderBytes = 24;
inline constexpr unsigned char kBinaryRequestMagic = 0x80;
inline constexpr unsigned char kBinaryResponseMagic = 0x81;
// The expiry of an increment or decrement that is not to make an item.
inline constexpr std::uint32_t kBinaryNoCreate = 0xffffffff;

// What a request asks for, whatever its quiet and key-returning forms.
enum class BinaryCommand : std::uint8_t {
  kGet,  // get(k)(q), gat(k)(q)
  kTouch,
  kSet,
  kAdd,
  kReplace,
  kAppend,
  kPrepend,
  kDelete,
  kIncrement,
  kDecrement,
  kFlush,
  kNoop,
  kVersion,
  kStat,
  kVerbosity,
  kQuit,
};

enum class BinaryStatus : std::uint16_t {
  kSuccess = 0x0000,
  kNotFound = 0x0001,
  kExists = 0x0002,
  kTooLarge = 0x0003,
  kInvalidArguments = 0x0004,
  kNotStored = 0x0005,
  kNonNumeric = 0x0006,
  kAuthError = 0x0020,
  kUnknownCommand = 0x0081,
  kOutOfMemory = 0x0082,
  kTemporaryFailure = 0x0086,
};

// The body of an answer with this status; empty for success.
constexpr std::string_view binary_status_text(BinaryStatus status) {
  switch (status) {
    case BinaryStatus::kSuccess:
      return "";
    case BinaryStatus::kNotFound:
      return "Not found";
    case BinaryStatus::kExists:
      return "Data exists for key.";
    case BinaryStatus::kTooLarge:
      return "Too large.";
    case BinaryStatus::kInvalidArguments:
      return "Invalid arguments";
    case BinaryStatus::kNotStored:
      return "Not stored.";
    case BinaryStatus::kNonNumeric:
      return "Non-numeric server-side value for incr or decr";
    case BinaryStatus::kAuthError:
      return "Auth failure.";
    case BinaryStatus::kUnknownCommand:
      return "Unknown command";
    case BinaryStatus::kOutOfMemory:
      return "Out of memory";
    case BinaryStatus::kTemporaryFailure:
      return "Temporary failure";
  }
  return "";
}

// What of a request its answer needs. Plain bytes; kept while a value or a node's reply is awaited.
struct BinaryAnswer {
  std::uint32_t opaque = 0;
  std::uint8_t opcode = 0;  // as it came
  BinaryCommand command = BinaryCommand::kNoop;
  bool quiet = false;        // a miss of a get, a success of anything else has no answer
  bool returns_key = false;  // getk, gatk

  bool hides(BinaryStatus status) const {
    if (!quiet) return false;
    return status ==
           (command == BinaryCommand::kGet ? BinaryStatus::kNotFound : BinaryStatus::kSuccess);
  }
};

}  // namespace ringcache::protocol
