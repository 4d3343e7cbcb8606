// Multigets of more keys than one Request holds, and of more bytes than one line may have.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "protocol/limits.h"
#include "protocol/request_parser.h"
#include "tests/protocol/transcript.h"

namespace {

using namespace ringcache::protocol;
using ringcache::test::transcribe_requests;
using ringcache::test::Transcript;
using Lines = std::vector<std::string>;

struct Multiget {
  std::string line;
  std::string expected;
};

Multiget multiget(std::string_view start, std::size_t key_count, std::size_t key_bytes) {
  Multiget out{std::string(start), std::string(start.substr(0, start.find(' ')))};
  if (start.starts_with("gat")) out.expected += " exptime=7";
  for (std::size_t i = 0; i < key_count; ++i) {
    std::string key = std::to_string(i);
    if (key.size() < key_bytes) key.resize(key_bytes, 'k');
    out.line += " " + key;
    out.expected += " key=" + key;
  }
  out.line += "\r\n";
  return out;
}

std::vector<std::string_view> cut_every(std::string_view whole, std::size_t bytes) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < whole.size(); i += bytes) pieces.push_back(whole.substr(i, bytes));
  return pieces;
}

void check_all_cuts(const std::string& input, const Lines& expected) {
  const Transcript whole = transcribe_requests({input});
  CHECK(whole.broken_promise == "");
  CHECK(whole.lines == expected);
  for (const std::size_t bytes : {1U, 2U, 3U, 7U, 250U, 251U, 252U, 1448U, 2048U, 2049U, 16384U}) {
    CAPTURE(bytes);
    const Transcript cut = transcribe_requests(cut_every(input, bytes));
    CHECK(cut.broken_promise == "");
    CHECK(cut.lines == expected);
  }
}

TEST_CASE("any number of keys is delivered once each, in order, and the next command after them") {
  for (const char* const start : {"get", "gets", "gat 7", "gats 7"}) {
    for (const std::size_t count : {1U, 255U, 256U, 257U, 511U, 512U, 513U, 1500U}) {
      for (const std::size_t key_bytes : {1U, 30U}) {
        CAPTURE(start);
        CAPTURE(count);
        const Multiget get = multiget(start, count, key_bytes);
        check_all_cuts(get.line + "mn\r\n", {get.expected, "mn"});
      }
    }
  }
}

TEST_CASE("a part has no more keys than the parser was told") {
  RequestParser parser;
  Request request;
  parser.set_multiget_keys_max(2);
  std::string_view input = "get a b c d e\r\n";
  std::vector<std::size_t> parts;
  do {
    std::size_t consumed = 0;
    REQUIRE(parser.parse(input, request, consumed) == ParseResult::kDone);
    parts.push_back(request.keys().size());
    input.remove_prefix(consumed);
  } while (request.more_keys);
  CHECK(parts == std::vector<std::size_t>{2, 2, 1});
  CHECK(input.empty());
}

TEST_CASE("a multiget of ten megabytes passes through a line's worth of memory") {
  const Multiget get = multiget("get", 100'000, 100);
  RequestParser parser;
  Request request;
  std::string buffer;
  std::size_t keys = 0;
  std::size_t buffer_bytes_max = 0;
  bool done = false;
  for (std::size_t at = 0; at < get.line.size(); at += 1000) {
    buffer += get.line.substr(at, 1000);
    buffer_bytes_max = std::max(buffer_bytes_max, buffer.size());
    for (;;) {
      std::size_t consumed_bytes = 0;
      const ParseResult result = parser.parse(buffer, request, consumed_bytes);
      if (result == ParseResult::kDone) {
        keys += request.keys().size();
        done = !request.more_keys;
      }
      buffer.erase(0, consumed_bytes);
      REQUIRE(result != ParseResult::kInvalid);
      if (result == ParseResult::kNeedMore) break;
    }
  }
  CHECK(done);
  CHECK(keys == 100'000);
  CHECK(buffer_bytes_max < 2 * kCommandLineBytesMax);
}

TEST_CASE("a bad key in a line refuses all of it, wherever it is") {
  for (const std::size_t before : {0U, 1U, 255U, 256U, 257U, 600U}) {
    CAPTURE(before);
    std::string line = "get";
    for (std::size_t i = 0; i < before; ++i) line += " k";
    line += " " + std::string(251, 'x') + " k\r\n";
    check_all_cuts(line + "mn\r\n", {"!CLIENT_ERROR bad command line format", "mn"});
  }
}

TEST_CASE("a bad key in a streamed multiget ends it; the rest of the line is skipped") {
  const Multiget get = multiget("get", 100, 30);
  const std::string good = get.line.substr(0, get.line.size() - 2);
  for (const std::size_t bad : {251U, 252U, 5000U}) {
    CAPTURE(bad);
    check_all_cuts(good + " " + std::string(bad, 'x') + " a b c\r\nmn\r\n",
                   {get.expected + " !CLIENT_ERROR bad command line format", "mn"});
    check_all_cuts(good + " " + std::string(bad, 'x') + "\r\nmn\r\n",
                   {get.expected + " !CLIENT_ERROR bad command line format", "mn"});
  }
  // The first key already: nothing was delivered.
  check_all_cuts("get " + std::string(3000, 'x') + "\r\nmn\r\n",
                 {"!CLIENT_ERROR bad command line format", "mn"});
}

TEST_CASE("a key of the greatest length may end a streamed multiget") {
  const Multiget get = multiget("get", 100, 30);
  const std::string key(kKeyBytesMax, 'x');
  const std::string good = get.line.substr(0, get.line.size() - 2) + " " + key;
  for (const char* const end : {"\r\n", "\n", " \r\n", "   \n"}) {
    check_all_cuts(good + end + "mn\r\n", {get.expected + " key=" + key, "mn"});
  }
  const std::string with_cr = std::string(kKeyBytesMax - 1, 'x') + "\r";
  check_all_cuts(get.line.substr(0, get.line.size() - 2) + " " + with_cr + "\r\nmn\r\n",
                 {get.expected + " key=" + with_cr.substr(0, kKeyBytesMax - 1) + "\\x0d", "mn"});
}

TEST_CASE("a NUL ends the keys of any multiget") {
  using namespace std::string_literals;
  const Multiget streamed = multiget("get", 100, 30);
  const Multiget whole = multiget("gat 7", 300, 1);
  for (const Multiget& get : {streamed, whole}) {
    const std::string good = get.line.substr(0, get.line.size() - 2);
    check_all_cuts(good + "\0 a b\r\nmn\r\n"s, {get.expected, "mn"});
    check_all_cuts(good + " \0\nmn\r\n"s, {get.expected, "mn"});
  }
}

TEST_CASE("long lines that are no multiget") {
  const std::string spaces(3000, ' ');
  check_all_cuts("get" + spaces + "\r\nmn\r\n", {"!ERROR", "mn"});
  check_all_cuts("get" + spaces + "a\r\nmn\r\n", {"get key=a", "mn"});
  check_all_cuts("gat 7" + spaces + "\r\nmn\r\n", {"gat exptime=7", "mn"});
  check_all_cuts("gat x" + spaces + "\r\nmn\r\n", {"!CLIENT_ERROR invalid exptime argument", "mn"});
  check_all_cuts("gat" + spaces + "7 a\r\nmn\r\n", {"! (close)"});
  check_all_cuts("gat " + std::string(3000, '1') + " a\r\nmn\r\n", {"! (close)"});
  check_all_cuts(spaces + "get a\r\nmn\r\n", {"! (close)"});
  check_all_cuts(std::string(kLeadingSpacesMax, ' ') + "get a" + spaces + "\r\nmn\r\n",
                 {"get key=a", "mn"});
  check_all_cuts(std::string(kLeadingSpacesMax + 1, ' ') + "get a" + spaces + "\r\nmn\r\n",
                 {"! (close)"});
  check_all_cuts("get" + std::string(3000, 't'), {"! (close)"});
  check_all_cuts(std::string(3000, 'x'), {"! (close)"});
}

TEST_CASE("random multigets cut at random places") {
  std::mt19937 random(20240607);
  for (int round = 0; round < 300; ++round) {
    Multiget get{"gets", "gets"};
    const std::size_t count = 1 + random() % 400;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key(1 + random() % (round % 2 == 0 ? 8 : 250), 'a' + i % 26);
      get.line += std::string(1 + random() % 3, ' ') + key;
      get.expected += " key=" + key;
    }
    get.line += "\r\nmn\r\n";
    std::vector<std::string_view> pieces;
    const std::string_view whole = get.line;
    for (std::size_t at = 0; at < whole.size();) {
      const std::size_t bytes = 1 + random() % 700;
      pieces.push_back(whole.substr(at, bytes));
      at += bytes;
    }
    const Transcript cut = transcribe_requests(pieces);
    CHECK(cut.broken_promise == "");
    CHECK(cut.lines == Lines{get.expected, "mn"});
  }
}

}  // namespace
