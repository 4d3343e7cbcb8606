#include "protocol/request_writer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/request_parser.h"
#include "tests/protocol/transcript.h"

namespace {

using namespace ringcache::protocol;

// What a proxy would forward for a command line.
std::string forwarded(std::string_view line) {
  RequestParser parser;
  Request request;
  std::size_t consumed_bytes = 0;
  CAPTURE(line);
  REQUIRE(parser.parse(line, request, consumed_bytes) == ParseResult::kDone);
  std::string out(request_line_bytes_max(request), '?');
  char* const end = write_request_line(out.data(), request);
  REQUIRE(static_cast<std::size_t>(end - out.data()) <= out.size());
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

TEST_CASE("noreply and q are left out, the rest stays") {
  CHECK(forwarded("set a 1 2 3 noreply\r\n") == "set a 1 2 3\r\n");
  CHECK(forwarded("cas a 1 -2 3 4 noreply\r\n") == "cas a 1 -2 3 4\r\n");
  CHECK(forwarded("delete a 0 noreply\r\n") == "delete a\r\n");
  CHECK(forwarded("incr a 5 noreply\r\n") == "incr a 5\r\n");
  CHECK(forwarded("touch a 5 noreply\r\n") == "touch a 5\r\n");
  CHECK(forwarded("flush_all noreply\r\n") == "flush_all\r\n");
  CHECK(forwarded("flush_all 10 noreply\r\n") == "flush_all 10\r\n");
  CHECK(forwarded("verbosity 1 noreply\r\n") == "verbosity 1\r\n");
  CHECK(forwarded("mg a v q Oxyz k\r\n") == "mg a v Oxyz k\r\n");
  CHECK(forwarded("ms Zm9v 2 b q T5\r\n") == "ms Zm9v 2 b T5\r\n");
  CHECK(forwarded("md a q\r\n") == "md a\r\n");
  CHECK(forwarded("ma a N0 J5 q D3 Lpath\r\n") == "ma a N0 J5 D3 Lpath\r\n");
  CHECK(forwarded("me Zm9v b\r\n") == "me Zm9v b\r\n");
  CHECK(forwarded("mn\r\n") == "mn\r\n");
  CHECK(forwarded("stats items 1\r\n") == "stats items 1\r\n");
  CHECK(forwarded("watch fetchers noreply\r\n") == "watch fetchers\r\n");
  CHECK(forwarded("lru tune noreply noreply\r\n") == "lru tune\r\n");
  CHECK(forwarded("stats noreply\r\n") == "stats noreply\r\n");
  CHECK(forwarded("version\r\n") == "version\r\n");
  CHECK(forwarded("get a b\r\n") == "get a b\r\n");
  CHECK(forwarded("gats 5 a\r\n") == "gats 5 a\r\n");
}

TEST_CASE("numbers and words that another server could read differently are written anew") {
  CHECK(forwarded("set a +1 \t2 003 junk\n") == "set a 1 2 3\r\n");
  CHECK(forwarded("set a 4294967297 0 1\tx\r\n") == "set a 1 0 1\r\n");
  CHECK(forwarded("ms a \t2\tx v\r\n") == "ms a 2 v\r\n");
  CHECK(forwarded("incr a 1\tx junk\r\n") == "incr a 1\r\n");
  CHECK(forwarded(std::string("  get   a  b\0c d\r\n", 18)) == "get a b\r\n");
  CHECK(forwarded("me a x y\r\n") == "me a\r\n");
}

TEST_CASE("what was forwarded is parsed to the same request") {
  for (const std::string_view line :
       {"set a 1 2 0\r\n", "add key 4294967295 -1 0\r\n", "cas a 0 0 0 18446744073709551615\r\n",
        "get a b c\r\n", "gat 10 a b c\r\n", "delete a\r\n", "incr a 18446744073709551615\r\n",
        "touch a -9223372036854775808\r\n", "mg a s v t T1 N2 R3 Oabc k\r\n",
        "ms Zm9v 0 b F1 C2 E3 MA T5 I k c\r\n", "ma a MD D5 J6 N7 t c v\r\n", "md a I T5\r\n",
        "me Zm9v b\r\n", "stats\r\n", "flush_all 5\r\n", "verbosity 1\r\n"}) {
    CAPTURE(line);
    const std::string again = forwarded(line);
    CHECK(ringcache::test::transcribe_requests({line}).lines ==
          ringcache::test::transcribe_requests({again}).lines);
  }
}

TEST_CASE("a multiget part") {
  const std::vector<std::string_view> keys{"a", "bb", std::string_view("c\tc", 3)};
  std::string out(multiget_bytes_max(keys), '?');
  const auto written = [&](Command command, std::int64_t exptime_s) {
    char* const end = write_multiget(out.data(), command, exptime_s, keys);
    REQUIRE(static_cast<std::size_t>(end - out.data()) <= out.size());
    return std::string(out.data(), end);
  };
  CHECK(written(Command::kGet, 0) == "get a bb c\tc\r\n");
  CHECK(written(Command::kGets, 0) == "gets a bb c\tc\r\n");
  CHECK(written(Command::kGat, 60) == "gat 60 a bb c\tc\r\n");
  CHECK(written(Command::kGats, INT64_MIN) == "gats -9223372036854775808 a bb c\tc\r\n");
}

TEST_CASE("the longest lines fit in what their bytes_max says") {
  const std::string key(kKeyBytesMax, 'k');
  CHECK(forwarded("cas " + key +
                  " 4294967295 -9223372036854775808 2147483645 "
                  "18446744073709551615 noreply\r\n")
            .size() < 400);
  CHECK(forwarded("mg " + key + " P" + std::string(1700, 'p') + " q\r\n").size() ==
        3 + 250 + 1702 + 2);
}

}  // namespace
