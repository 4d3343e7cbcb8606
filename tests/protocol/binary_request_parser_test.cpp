#include "protocol/binary_request_parser.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "protocol/big_endian.h"
#include "tests/support/for_each_split.h"

namespace ringcache::protocol {
namespace {

std::string packet(unsigned char opcode, std::string_view extras, std::string_view key,
                   std::size_t value_bytes) {
  std::string head(kBinaryHeaderBytes, '\0');
  head[0] = static_cast<char>(kBinaryRequestMagic);
  head[1] = static_cast<char>(opcode);
  write_big_endian(head.data() + 2, static_cast<std::uint16_t>(key.size()));
  head[4] = static_cast<char>(extras.size());
  const std::size_t body_bytes = extras.size() + key.size() + value_bytes;
  write_big_endian(head.data() + 8, static_cast<std::uint32_t>(body_bytes));
  write_big_endian(head.data() + 12, std::uint32_t{0xa1b2c3d4});
  return head.append(extras).append(key);
}

TEST_CASE("a set, however it is cut") {
  const std::string whole = packet(0x11, std::string_view("\0\0\0\7\0\0\0\x3c", 8), "key", 9);
  test::for_each_split(whole, [&](const std::vector<std::string_view>& pieces) {
    std::string here;
    BinaryRequest request;
    std::size_t consumed = 0;
    ParseResult result = ParseResult::kNeedMore;
    for (const std::string_view piece : pieces) {
      REQUIRE(result == ParseResult::kNeedMore);
      here += piece;
      result = parse_binary_request(here, request, consumed);
    }
    REQUIRE(result == ParseResult::kDone);
    CHECK(consumed == whole.size());
    CHECK(request.answer.command == BinaryCommand::kSet);
    CHECK(request.answer.quiet);
    CHECK(request.answer.opaque == 0xa1b2c3d4);
    CHECK(request.key == "key");
    CHECK(request.client_flags == 7);
    CHECK(request.exptime_s == 60);
    CHECK(request.value_bytes == 9);
  });
}

TEST_CASE("lengths that do not fit close, unknown commands are skipped") {
  struct Wrong {
    std::string bytes;
    BinaryStatus status;
    bool close;
  };
  std::string short_body = packet(0x00, "", "key", 0);
  short_body[11] = 2;
  for (const Wrong& wrong : std::vector<Wrong>{
           {"x", BinaryStatus::kSuccess, true},
           {short_body, BinaryStatus::kUnknownCommand, true},
           {packet(0x00, "", std::string(251, 'k'), 0), BinaryStatus::kInvalidArguments, true},
           {packet(0x00, "", "", 0), BinaryStatus::kInvalidArguments, true},
           {packet(0x00, "", "k", 1), BinaryStatus::kInvalidArguments, true},
           {packet(0x01, "", "k", 1), BinaryStatus::kInvalidArguments, true},
           {packet(0x01, "12345678", "k", 0xffffff00), BinaryStatus::kInvalidArguments, true},
           {packet(0x21, "", "PLAIN", 5), BinaryStatus::kUnknownCommand, false},
           {packet(0xff, "", "", 0), BinaryStatus::kUnknownCommand, false}}) {
    BinaryRequest request;
    std::size_t consumed = 0;
    CHECK(parse_binary_request(wrong.bytes, request, consumed) == ParseResult::kInvalid);
    CHECK(request.status == wrong.status);
    CHECK(request.close == wrong.close);
    if (!wrong.close) CHECK(consumed == kBinaryHeaderBytes);
  }
}

}  // namespace
}  // namespace ringcache::protocol
