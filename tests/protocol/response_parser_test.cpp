#include "protocol/response_parser.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/limits.h"
#include "tests/protocol/transcript.h"
#include "tests/support/for_each_split.h"

namespace {

using namespace ringcache::protocol;
using ringcache::test::for_each_split;
using ringcache::test::transcribe_replies;
using ringcache::test::Transcript;

constexpr std::size_t kValueBytesMax = 1000;

Response parsed(std::string_view bytes, ReplyKind kind) {
  Response response;
  std::size_t consumed_bytes = 0;
  CHECK(ResponseParser(kValueBytesMax).parse(bytes, kind, response, consumed_bytes) ==
        ParseResult::kDone);
  CHECK(consumed_bytes == bytes.size());
  return response;
}

std::string error_of(std::string_view bytes, ReplyKind kind) {
  Response response;
  std::size_t consumed_bytes = 1;
  const ParseResult result =
      ResponseParser(kValueBytesMax).parse(bytes, kind, response, consumed_bytes);
  CHECK((consumed_bytes == 0) == (result != ParseResult::kDone));
  return result == ParseResult::kInvalid ? std::string(response.error) : "";
}

TEST_CASE("a whole reply is read the same however it arrives") {
  struct Row {
    ReplyKind kind;
    std::string_view bytes;
    std::size_t elements;
  };
  const Row rows[] = {
      {ReplyKind::kLine, "STORED\r\n", 1},
      {ReplyKind::kLine, "SERVER_ERROR out of memory storing object\r\n", 1},
      {ReplyKind::kValues, "VALUE a 0 2\r\nhi\r\nVALUE b 9 0 77\r\n\r\nEND\r\n", 3},
      {ReplyKind::kValues, "VALUE a 0 7\r\nEND\r\n\r\n\r\nEND\r\n", 2},
      {ReplyKind::kValues, "END\r\n", 1},
      {ReplyKind::kMeta, "VA 2 kabc c12 f5 Oxyz W\r\nhi\r\n", 1},
      {ReplyKind::kMeta, "HD\r\nEN\r\nNF O1\r\nNS\r\nEX c0\r\nMN\r\n", 6},
      {ReplyKind::kMeta, "ME abc exp=-1 la=0 cas=1 fetch=no cls=1 size=63\r\n", 1},
      {ReplyKind::kStats, "STAT pid 1\r\nSTAT version 1.6.18\r\nEND\r\n", 3},
      {ReplyKind::kStats, "RESET\r\n", 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    const Transcript whole = transcribe_replies({row.bytes}, row.kind, kValueBytesMax);
    CHECK(whole.broken_promise == "");
    CHECK(whole.lines.size() == row.elements);
    for_each_split(row.bytes, [&](const std::vector<std::string_view>& pieces) {
      CHECK(transcribe_replies(pieces, row.kind, kValueBytesMax) == whole);
    });
  }
}

TEST_CASE("fields of a value") {
  const Response response =
      parsed("VALUE some:key 4294967295 3 18446744073709551615\r\na\r\n\r\n", ReplyKind::kValues);
  CHECK(response.status == ResponseStatus::kValue);
  CHECK_FALSE(response.last);
  CHECK(response.key == "some:key");
  CHECK(response.client_flags == UINT32_MAX);
  CHECK(response.value == "a\r\n");
  CHECK(response.has_cas);
  CHECK(response.cas_unique == UINT64_MAX);
  CHECK_FALSE(parsed("VALUE k 0 0\r\n\r\n", ReplyKind::kValues).has_cas);
}

TEST_CASE("single lines and their statuses") {
  struct Row {
    std::string_view line;
    ResponseStatus status;
  };
  const Row rows[] = {
      {"STORED", ResponseStatus::kStored},
      {"NOT_STORED", ResponseStatus::kNotStored},
      {"EXISTS", ResponseStatus::kExists},
      {"NOT_FOUND", ResponseStatus::kNotFound},
      {"DELETED", ResponseStatus::kDeleted},
      {"TOUCHED", ResponseStatus::kTouched},
      {"OK", ResponseStatus::kOk},
      {"VERSION 1.6.18", ResponseStatus::kVersion},
      {"12", ResponseStatus::kNumber},
      {"12  ", ResponseStatus::kNumber},
      {"ERROR", ResponseStatus::kError},
      {"ERROR: no", ResponseStatus::kError},
      {"CLIENT_ERROR x y", ResponseStatus::kClientError},
      {"SERVER_ERROR x y", ResponseStatus::kServerError},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    const std::string bytes = std::string(row.line) + "\r\n";
    const Response response = parsed(bytes, ReplyKind::kLine);
    CHECK(response.status == row.status);
    CHECK(response.last);
    CHECK(response.line == row.line);
    CHECK(response.bytes == bytes);
    if (!is_error(row.status)) continue;
    for (const ReplyKind kind : {ReplyKind::kValues, ReplyKind::kMeta, ReplyKind::kStats}) {
      CHECK(parsed(bytes, kind).status == row.status);
      CHECK(parsed(bytes, kind).last);
    }
  }
  CHECK(parsed("18446744073709551615\r\n", ReplyKind::kLine).number == UINT64_MAX);
}

TEST_CASE("what a proxy looks at in a meta line") {
  const Response response =
      parsed("VA 2 f7 kZm9v b c99 Oabc t-1 s2 W Z X\r\nhi\r\n", ReplyKind::kMeta);
  CHECK(response.status == ResponseStatus::kMetaValue);
  CHECK(response.last);
  CHECK(response.client_flags == 7);
  CHECK(response.key == "Zm9v");
  CHECK(response.cas_unique == 99);
  CHECK(response.opaque == "abc");
  CHECK(response.value == "hi");
  CHECK(response.meta_flags == "f7 kZm9v b c99 Oabc t-1 s2 W Z X");
  CHECK(parsed("ME key exp=-1 la=0\r\n", ReplyKind::kMeta).key == "key");
}

TEST_CASE("a value that is still arriving shows its header and says how much it needs") {
  const std::string header = "VALUE k 5 900 7\r\n";
  const ResponseParser parser(kValueBytesMax);
  Response response;
  std::size_t consumed_bytes = 0;
  CHECK(parser.parse(header.substr(0, 10), ReplyKind::kValues, response, consumed_bytes) ==
        ParseResult::kNeedMore);
  CHECK(response.bytes_needed == 11);
  CHECK(response.header_bytes == 0);
  CHECK(parser.parse(header, ReplyKind::kValues, response, consumed_bytes) ==
        ParseResult::kNeedMore);
  CHECK(response.bytes_needed == header.size() + 900 + 2);
  CHECK(response.header_bytes == header.size());
  CHECK(response.value_bytes == 900);
  CHECK(response.key == "k");
  CHECK(response.client_flags == 5);
  CHECK(response.cas_unique == 7);
}

TEST_CASE("a caller that obeys bytes_needed parses a dribbling value twice") {
  const std::string reply = "VALUE k 0 1000\r\n" + std::string(1000, '\n') + "\r\n";
  std::vector<std::string_view> pieces{std::string_view(reply).substr(0, 16)};
  for (std::size_t i = 16; i < reply.size(); ++i) {
    pieces.push_back(std::string_view(reply).substr(i, 1));
  }
  const Transcript transcript = transcribe_replies(pieces, ReplyKind::kValues, kValueBytesMax);
  CHECK(transcript.lines.size() == 1);
  CHECK(transcript.parse_calls == 2);
}

TEST_CASE("limits at n-1, n and n+1") {
  const auto value = [](std::size_t key_bytes, std::size_t value_bytes) {
    return "VALUE " + std::string(key_bytes, 'k') + " 0 " + std::to_string(value_bytes) + "\r\n" +
           std::string(value_bytes, 'v') + "\r\n";
  };
  CHECK(error_of(value(249, 999), ReplyKind::kValues) == "");
  CHECK(error_of(value(250, 1000), ReplyKind::kValues) == "");
  CHECK(error_of(value(251, 10), ReplyKind::kValues) == "bad key in a VALUE line");
  CHECK(error_of(value(1, 1001), ReplyKind::kValues) == "bad or too large size in a VALUE line");
  const auto stat = [](std::size_t bytes) {
    std::string line = "STAT x ";
    line.resize(bytes - 2, 'v');
    return line + "\r\n";
  };
  CHECK(error_of(stat(kReplyLineBytesMax - 1), ReplyKind::kStats) == "");
  CHECK(error_of(stat(kReplyLineBytesMax), ReplyKind::kStats) == "");
  CHECK(error_of(stat(kReplyLineBytesMax + 1), ReplyKind::kStats) == "line too long");
  CHECK(error_of(std::string(kReplyLineBytesMax - 1, 'x'), ReplyKind::kLine) == "");
  CHECK(error_of(std::string(kReplyLineBytesMax, 'x'), ReplyKind::kLine) == "line too long");
}

TEST_CASE("garbage is refused") {
  const std::string_view values[] = {
      "VALUE\r\n",
      "VALUE \r\n",
      "VALUE k\r\n",
      "VALUE k 0\r\n",
      "VALUE k x 1\r\na\r\n",
      "VALUE k 0 -1\r\n",
      "VALUE k 4294967296 1\r\na\r\n",
      "VALUE k 0 1 x\r\na\r\n",
      "VALUE k 0 1 1 1\r\na\r\n",
      "VALUE  k 0 1\r\na\r\n",
      "VALUE k 0 1\r\nabc",
      "VALUE k 0 1\na\r\n",
      "VALUE k 0 99999999999999999999\r\n",
      "value k 0 1\r\na\r\n",
      "END \r\n",
      "\r\n",
      "\n",
      "STORED\r\n",
      "STAT a b\r\n",
      "EN\r\n",
      "12\r\n",
  };
  for (const std::string_view bytes : values) {
    CAPTURE(bytes);
    CHECK(error_of(bytes, ReplyKind::kValues) != "");
  }
  const std::string_view lines[] = {
      "",       "STORED", "stored\r\n",      "STORED \r\n", "END\r\n", "1x\r\n",
      "-1\r\n", "HD\r\n", "VALUE a 0 1\r\n", "ERRORS\r\n",  "\r\n",    "18446744073709551616\r\n"};
  for (const std::string_view bytes : lines) {
    CAPTURE(bytes);
    const bool unfinished = bytes.find('\n') == std::string_view::npos;
    CHECK((error_of(bytes, ReplyKind::kLine) == "") == unfinished);
  }
  for (const std::string_view bytes :
       {"HDx\r\n", "hd\r\n", "VA\r\n", "VA x\r\n", "VA -1\r\n", "VA 1001\r\n", "VA 1\r\nabc",
        "HD cx\r\n", "HD f-1\r\n", "STORED\r\n", " HD\r\n"}) {
    CAPTURE(bytes);
    CHECK(error_of(bytes, ReplyKind::kMeta) != "");
  }
  for (const std::string_view bytes : {"STATS\r\n", "STORED\r\n", "VALUE a 0 1\r\na\r\n"}) {
    CAPTURE(bytes);
    CHECK(error_of(bytes, ReplyKind::kStats) != "");
  }
}

}  // namespace
