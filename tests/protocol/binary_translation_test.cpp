#include "protocol/binary_translation.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/support/binary_packet.h"

namespace ringcache::protocol {
namespace {

using test::Packet;
using test::request_packet;
using namespace std::string_view_literals;

// "" where no text command can say it.
std::string text_of(const Packet& packet) {
  const std::string bytes = request_packet(packet);
  BinaryRequest request;
  std::size_t consumed = 0;
  REQUIRE(parse_binary_request(bytes, request, consumed) == ParseResult::kDone);
  std::array<char, kTextOfBinaryBytesMax> line;
  const char* const end = write_as_text(line.data(), request);
  return end == nullptr ? ""
                        : std::string(line.data(), static_cast<std::size_t>(end - line.data()));
}

constexpr std::string_view kStoreExtras = "\0\0\0\7\0\0\0\x3c"sv;
constexpr std::string_view kNumberExtras = "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\x29\0\0\0\x3c"sv;
constexpr std::string_view kNoCreateExtras = "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\xff\xff\xff\xff"sv;

}  // namespace

TEST_CASE("each command has its text") {
  struct Row {
    Packet packet;
    std::string_view text;
  };
  for (const Row& row : {
           Row{{.opcode = 0x00, .key = "k"}, "gets k\r\n"},
           Row{{.opcode = 0x0d, .key = "k"}, "gets k\r\n"},
           Row{{.opcode = 0x01, .key = "k", .extras = kStoreExtras, .value = "abc"},
               "ms k 3 c F7 T60\r\n"},
           Row{{.opcode = 0x01, .key = "k", .extras = kStoreExtras, .cas = 9},
               "ms k 0 c F7 T60 C9\r\n"},
           Row{{.opcode = 0x12, .key = "k", .extras = kStoreExtras}, "ms k 0 c F7 T60 ME\r\n"},
           Row{{.opcode = 0x02, .key = "k", .extras = kStoreExtras, .cas = 9},
               "ms k 0 c F7 T60 C9\r\n"},
           Row{{.opcode = 0x03, .key = "k", .extras = kStoreExtras}, "ms k 0 c F7 T60 MR\r\n"},
           Row{{.opcode = 0x0e, .key = "k", .value = "x"}, "ms k 1 c F0 T0 MA\r\n"},
           Row{{.opcode = 0x0f, .key = "k", .cas = 3}, "ms k 0 c F0 T0 C3 MP\r\n"},
           Row{{.opcode = 0x04, .key = "k"}, "md k\r\n"},
           Row{{.opcode = 0x14, .key = "k", .cas = 3}, "md k C3\r\n"},
           Row{{.opcode = 0x05, .key = "k", .extras = kNumberExtras}, "ma k v c MI D5 N60 J41\r\n"},
           Row{{.opcode = 0x06, .key = "k", .extras = kNoCreateExtras}, "ma k v c MD D5\r\n"},
           Row{{.opcode = 0x1c, .key = "k", .extras = "\0\0\0\x3c"sv}, "mg k f c T60\r\n"},
           Row{{.opcode = 0x1d, .key = "k", .extras = "\0\0\0\0"sv}, "mg k f c v T0\r\n"},
           Row{{.opcode = 0x08}, "flush_all\r\n"},
           Row{{.opcode = 0x08, .extras = "\0\0\0\x3c"sv}, "flush_all 60\r\n"},
           Row{{.opcode = 0x0a}, "mn\r\n"},
           Row{{.opcode = 0x07}, "mn\r\n"},
           Row{{.opcode = 0x0b}, "version\r\n"},
           Row{{.opcode = 0x10}, "stats\r\n"},
           Row{{.opcode = 0x10, .key = "detail on"}, "stats detail on\r\n"},
           Row{{.opcode = 0x1b, .extras = "\0\0\0\1"sv}, "verbosity 1\r\n"},
       }) {
    CHECK(text_of(row.packet) == row.text);
  }
}

TEST_CASE("a key that text cannot hold goes as base64") {
  CHECK(text_of({.opcode = 0x00, .key = "a b"}) == "mg YSBi b f c v\r\n");
  CHECK(text_of({.opcode = 0x01, .key = "a\r\nb"sv, .extras = kStoreExtras, .value = "v"}) ==
        "ms YQ0KYg== 1 b c F7 T60\r\n");
  CHECK(text_of({.opcode = 0x04, .key = "\0"sv}) == "md AA== b\r\n");
  CHECK(text_of({.opcode = 0x00, .key = "\xd0\xba"}) == "gets \xd0\xba\r\n");
  const std::string long_key(186, ' ');
  CHECK(text_of({.opcode = 0x00, .key = long_key}).size() > 248);
  const std::string too_long_key(187, ' ');
  CHECK(text_of({.opcode = 0x00, .key = too_long_key}).empty());
  const std::string text_key(250, 'k');
  CHECK(text_of({.opcode = 0x00, .key = text_key}) == "gets " + text_key + "\r\n");
}

TEST_CASE("what would be another line is no topic of stats") {
  CHECK(text_of({.opcode = 0x10, .key = "items\r\nflush_all"}).empty());
  CHECK(text_of({.opcode = 0x10, .key = "a\0b"sv}).empty());
}

TEST_CASE("an expiry beyond what text takes is as late as it can be") {
  CHECK(text_of({.opcode = 0x1c, .key = "k", .extras = "\xff\xff\xff\xff"sv}) ==
        "mg k f c T2147483647\r\n");
}

TEST_CASE("the longest line has room") {
  const std::string key(186, ' ');
  const std::string_view all_ones(
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 20);
  CHECK(
      text_of({.opcode = 0x05, .key = key, .extras = all_ones, .cas = ~std::uint64_t{0}}).size() <=
      kTextOfBinaryBytesMax);
}

TEST_CASE("what a reply means as a status") {
  struct Row {
    BinaryCommand command;
    ResponseStatus reply;
    std::string_view line;
    BinaryStatus status;
  };
  using enum ResponseStatus;
  for (const Row& row : {
           Row{BinaryCommand::kGet, kEnd, "", BinaryStatus::kNotFound},
           Row{BinaryCommand::kTouch, kMetaMiss, "", BinaryStatus::kNotFound},
           Row{BinaryCommand::kSet, kMetaHit, "", BinaryStatus::kSuccess},
           Row{BinaryCommand::kSet, kMetaExists, "", BinaryStatus::kExists},
           Row{BinaryCommand::kSet, kMetaNotFound, "", BinaryStatus::kNotFound},
           Row{BinaryCommand::kAdd, kMetaNotStored, "", BinaryStatus::kExists},
           Row{BinaryCommand::kReplace, kMetaNotStored, "", BinaryStatus::kNotFound},
           Row{BinaryCommand::kAppend, kMetaNotStored, "", BinaryStatus::kNotStored},
           Row{BinaryCommand::kSet, kServerError, kErrorTooLarge, BinaryStatus::kTooLarge},
           Row{BinaryCommand::kSet, kServerError, kErrorOutOfMemoryStoring,
               BinaryStatus::kOutOfMemory},
           Row{BinaryCommand::kIncrement, kClientError, kErrorNonNumeric,
               BinaryStatus::kNonNumeric},
           Row{BinaryCommand::kSet, kServerError, "SERVER_ERROR node a timeout",
               BinaryStatus::kTemporaryFailure},
           Row{BinaryCommand::kSet, kClientError, "CLIENT_ERROR what",
               BinaryStatus::kInvalidArguments},
           Row{BinaryCommand::kStat, kError, "ERROR", BinaryStatus::kNotFound},
           Row{BinaryCommand::kFlush, kError, "ERROR", BinaryStatus::kUnknownCommand},
       }) {
    Response response;
    response.status = row.reply;
    response.line = row.line;
    CHECK(binary_status_of(row.command, response) == row.status);
  }
}

TEST_CASE("a failure that memcached has no text for says what the line says") {
  Response response;
  response.line = "SERVER_ERROR node 10.0.0.1:11211 timeout";
  CHECK(binary_text_of(BinaryStatus::kTemporaryFailure, response) == response.line);
  CHECK(binary_text_of(BinaryStatus::kNotFound, response) == "Not found");
  const std::string long_line(4000, 'x');
  response.line = long_line;
  CHECK(binary_text_of(BinaryStatus::kTemporaryFailure, response).size() == kBinaryTextBytesMax);
}

}  // namespace ringcache::protocol
