#include "tests/bench/reply_parser.h"

#include <doctest/doctest.h>

#include <string>

namespace ringcache::bench {
namespace {

// Writes down what the parser said, so that two ways to cut the same bytes can be compared.
struct Recorder {
  std::string events;
  std::string value;

  bool on_line(const ReplyLine& line, std::string_view text) {
    events += "line " + std::string(text) + " key=" + std::string(line.key) +
              " flags=" + std::to_string(line.client_flags) +
              " bytes=" + std::to_string(line.value_bytes) + "\n";
    return true;
  }
  void on_value_bytes(const char* data, std::size_t size) { value.append(data, size); }
  bool on_value_end() {
    events += "value " + value + "\n";
    value.clear();
    return true;
  }
};

std::string events_of(const std::string& stream) {
  ReplyParser parser;
  Recorder recorder;
  CHECK(parser.feed(stream.data(), stream.size(), recorder));
  CHECK(parser.at_boundary());
  return recorder.events;
}

bool accepts(const std::string& stream) {
  ReplyParser parser;
  Recorder recorder;
  return parser.feed(stream.data(), stream.size(), recorder);
}

const std::string kStream =
    "VALUE foo 7 3\r\nbar\r\nVALUE x 0 0\r\n\r\nVALUE crlf 4294967295 4 99\r\n\r\n\r\n\r\nEND\r\n"
    "STORED\r\nNOT_STORED\r\nVERSION 1.6.18\r\nSERVER_ERROR out of memory storing object\r\n"
    "VA 3 kfoo f7\r\nbar\r\nEN\r\nHD\r\nHD kfoo\r\nNS\r\nMN\r\nERROR\r\n";

}  // namespace

TEST_CASE("a stream of replies is read the same at every two split points") {
  const std::string expected = events_of(kStream);
  for (std::size_t first = 0; first <= kStream.size(); ++first) {
    for (std::size_t second = first; second <= kStream.size(); ++second) {
      ReplyParser parser;
      Recorder recorder;
      const char* const data = kStream.data();
      REQUIRE(parser.feed(data, first, recorder));
      REQUIRE(parser.feed(data + first, second - first, recorder));
      REQUIRE(parser.feed(data + second, kStream.size() - second, recorder));
      if (recorder.events != expected) FAIL("split at " << first << " and " << second);
    }
  }
}

TEST_CASE("a stream of replies is read the same byte by byte") {
  ReplyParser parser;
  Recorder recorder;
  for (const char byte : kStream) REQUIRE(parser.feed(&byte, 1, recorder));
  CHECK(recorder.events == events_of(kStream));
}

TEST_CASE("what the lines say is understood") {
  CHECK(events_of("VALUE foo 7 3\r\nbar\r\n") ==
        "line VALUE foo 7 3 key=foo flags=7 bytes=3\nvalue bar\n");
  CHECK(events_of("VA 3 kfoo f7\r\nbar\r\n") ==
        "line VA 3 kfoo f7 key=foo flags=7 bytes=3\nvalue bar\n");
  CHECK(parse_reply_line("STORED").kind == ReplyKind::kStored);
  CHECK(parse_reply_line("HD").kind == ReplyKind::kStored);
  CHECK(parse_reply_line("NS").kind == ReplyKind::kNotStored);
  CHECK(parse_reply_line("EN").kind == ReplyKind::kMiss);
  CHECK(parse_reply_line("EN kkey O1").kind == ReplyKind::kMiss);
  CHECK(parse_reply_line("CLIENT_ERROR bad data chunk").kind == ReplyKind::kServerError);
}

TEST_CASE("what is no reply is refused") {
  for (const char* stream :
       {"VALUE foo 7 3\r\nbarx\r\n", "VALUE foo 7 3\r\nba\r\n\r\n", "VALUE foo 7\r\n",
        "VALUE foo x 3\r\n", "VALUE foo 0 -1\r\n", "VALUE foo 0 99999999999\r\n", "VALUE\r\n",
        "VA\r\n", "VA x\r\n", "VA 3 fx\r\n", "END\n", "ENDX\r\n", "\r\n", "OK\r\n", "end\r\n"}) {
    CAPTURE(stream);
    CHECK_FALSE(accepts(stream));
  }
}

TEST_CASE("a line without end is refused at its limit") {
  CHECK_FALSE(accepts("SERVER_ERROR " + std::string(600, 'x') + "\r\n"));
  ReplyParser parser;
  Recorder recorder;
  const std::string piece(100, 'x');
  bool good = true;
  std::size_t fed = 0;
  for (; good && fed < 10; ++fed) good = parser.feed(piece.data(), piece.size(), recorder);
  CHECK(fed == 6);
}

}  // namespace ringcache::bench
