#include "proxy/reply_packets.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/binary_packet.h"

namespace ringcache::proxy {
namespace {

using protocol::Command;
using test::answer_packet;
using test::Packet;
using test::request_packet;
using namespace std::string_view_literals;

struct Reply {
  explicit Reply(const Packet& packet) {
    const std::string bytes = request_packet(packet);
    protocol::BinaryRequest request;
    std::size_t consumed = 0;
    REQUIRE(parse_binary_request(bytes, request, consumed) == protocol::ParseResult::kDone);
    packets.begin(request);
  }
  std::string take(Command command, std::string_view element) {
    ReplyPackets::Scratch scratch;
    const ReplyPackets::Piece piece = packets.take(command, element, scratch);
    if (!piece.value.empty()) CHECK(piece.value.data() == element.data() + piece.skip_bytes);
    return std::string(piece.head).append(piece.value);
  }

  ReplyPackets packets;
};

constexpr std::string_view kFlags7 = "\0\0\0\7"sv;

}  // namespace

TEST_CASE("a hit is one packet, and its END nothing") {
  Reply reply({.opcode = 0x00, .key = "k", .opaque = 5});
  CHECK(reply.take(Command::kGets, "VALUE k 7 3 99\r\nabc\r\n") ==
        answer_packet({.extras = kFlags7, .value = "abc", .cas = 99, .opaque = 5}));
  CHECK(reply.take(Command::kGets, "END\r\n").empty());
}

TEST_CASE("a value that comes in parts, cut anywhere") {
  const std::string element = "VALUE k 7 5 99\r\na\r\nbc\r\n";
  const std::string whole =
      answer_packet({.opcode = 0x0c, .key = "k", .extras = kFlags7, .value = "a\r\nbc", .cas = 99});
  constexpr std::size_t kHeaderBytes = 16;
  for (std::size_t first = kHeaderBytes; first <= element.size(); ++first) {
    for (std::size_t second = first; second <= element.size(); ++second) {
      Reply reply({.opcode = 0x0c, .key = "k"});
      std::string answer = reply.take(Command::kGets, element.substr(0, first));
      if (second > first) {
        answer += reply.take(Command::kGets, element.substr(first, second - first));
      }
      if (second < element.size()) answer += reply.take(Command::kGets, element.substr(second));
      answer += reply.take(Command::kGets, "END\r\n");
      CHECK(answer == whole);
    }
  }
}

TEST_CASE("misses: told, told with the key, hidden") {
  CHECK(Reply({.opcode = 0x00, .key = "k"}).take(Command::kGets, "END\r\n") ==
        answer_packet({.value = "Not found", .status = 1}));
  CHECK(Reply({.opcode = 0x0c, .key = "k"}).take(Command::kGets, "END\r\n") ==
        answer_packet({.opcode = 0x0c, .key = "k", .status = 1}));
  CHECK(Reply({.opcode = 0x09, .key = "k"}).take(Command::kGets, "END\r\n").empty());
  CHECK(Reply({.opcode = 0x0d, .key = "k"}).take(Command::kMetaGet, "EN\r\n").empty());
}

TEST_CASE("stores tell their CAS, quiet ones only failures") {
  const std::string_view extras = "\0\0\0\0\0\0\0\0"sv;
  CHECK(
      Reply({.opcode = 0x01, .key = "k", .extras = extras}).take(Command::kMetaSet, "HD c12\r\n") ==
      answer_packet({.opcode = 0x01, .cas = 12}));
  Reply quiet({.opcode = 0x11, .key = "k", .extras = extras});
  CHECK(quiet.take(Command::kMetaSet, "HD c12\r\n").empty());
  CHECK(quiet.take(Command::kMetaSet, "SERVER_ERROR node n reset\r\n") ==
        answer_packet({.opcode = 0x11, .value = "SERVER_ERROR node n reset", .status = 0x86}));
}

TEST_CASE("numbers are eight bytes, and no number is a failure") {
  const std::string_view extras = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"sv;
  Reply reply({.opcode = 0x05, .key = "k", .extras = extras});
  CHECK(reply.take(Command::kMetaArithmetic, "VA 3 c4\r\n258\r\n") ==
        answer_packet({.opcode = 0x05, .value = "\0\0\0\0\0\0\1\2"sv, .cas = 4}));
  CHECK(reply.take(Command::kMetaArithmetic, "VA 3 c4\r\nabc\r\n")[7] == '\x86');
  CHECK(reply.take(Command::kMetaArithmetic, "NF\r\n")[7] == '\1');
}

TEST_CASE("touch tells the flags, version its text, noop nothing") {
  Reply touch({.opcode = 0x1c, .key = "k", .extras = "\0\0\0\0"sv});
  CHECK(touch.take(Command::kMetaGet, "HD f7 c4\r\n") ==
        answer_packet({.opcode = 0x1c, .extras = kFlags7, .cas = 4}));
  CHECK(Reply({.opcode = 0x0b}).take(Command::kVersion, "VERSION 1.2.3\r\n") ==
        answer_packet({.opcode = 0x0b, .value = "1.2.3"}));
  CHECK(Reply({.opcode = 0x0a}).take(Command::kMetaNoop, "MN\r\n") ==
        answer_packet({.opcode = 0x0a}));
  CHECK(Reply({.opcode = 0x17}).take(Command::kMetaNoop, "MN\r\n").empty());
}

TEST_CASE("stats are a packet each and an empty one; a refusal is a status") {
  const Reply reply({.opcode = 0x10});
  std::string packets;
  reply.packets.write_stats("STAT pid 7\r\nSTAT name with spaces\r\nSTAT empty\r\nEND\r\n",
                            packets);
  CHECK(packets == answer_packet({.opcode = 0x10, .key = "pid", .value = "7"}) +
                       answer_packet({.opcode = 0x10, .key = "name", .value = "with spaces"}) +
                       answer_packet({.opcode = 0x10, .key = "empty"}) +
                       answer_packet({.opcode = 0x10}));
  packets.clear();
  reply.packets.write_stats("ERROR\r\n", packets);
  CHECK(packets == answer_packet({.opcode = 0x10, .value = "Not found", .status = 1}));
  packets.clear();
  reply.packets.write_stats("RESET\r\n", packets);
  CHECK(packets == answer_packet({.opcode = 0x10}));
}

TEST_CASE("used again it remembers nothing") {
  Reply reply({.opcode = 0x0c, .key = "k"});
  reply.take(Command::kGets, "VALUE k 0 9 1\r\nabc");
  reply.packets.clear();
  CHECK(!reply.packets.wanted());
  CHECK(reply.take(Command::kGets, "END\r\n").size() > 24);
}

}  // namespace ringcache::proxy
