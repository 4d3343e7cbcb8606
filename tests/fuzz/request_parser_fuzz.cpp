// RequestParser and write_request_line() on any bytes. Input: one byte that says how to cut the
// stream, then the stream. Checked:
//  - cut or not, the same requests and errors in the same order;
//  - what request_parser.h promises (progress, views inside the input, bounded memory):
//  transcript.h;
//  - a line that a proxy would forward is one request, about the same keys and with the same data
//    length, and forwarding it again changes nothing. So no two servers can disagree about where a
//    request ends, whatever a client sent.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"
#include "protocol/request_writer.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/split_bytes.h"
#include "tests/protocol/transcript.h"

namespace {

using namespace ringcache::protocol;
using ringcache::test::fuzz_check;
using ringcache::test::printable;
using ringcache::test::transcribe_requests;
using ringcache::test::Transcript;

std::string forwarded(const Request& request) {
  std::vector<char> out(request_line_bytes_max(request));
  char* const end = write_request_line(out.data(), request);
  const auto bytes = static_cast<std::size_t>(end - out.data());
  fuzz_check(bytes <= out.size(), "request_line_bytes_max is too small");
  return std::string(out.data(), bytes);
}

void check_forwarding(const Request& request) {
  const std::string line = forwarded(request);
  RequestParser parser;
  Request again;
  std::size_t consumed_bytes = 0;
  fuzz_check(parser.parse(line, again, consumed_bytes) == ParseResult::kDone,
             "a forwarded line is refused: " + printable(line));
  fuzz_check(consumed_bytes == line.size(), "a forwarded line is not one line");
  fuzz_check(again.command == request.command, "another command");
  fuzz_check(again.value_bytes == request.value_bytes, "another data length");
  fuzz_check(!again.quiet, "quiet was forwarded");
  fuzz_check(again.keys().size() == request.keys().size(), "other keys");
  for (std::size_t i = 0; i < request.keys().size(); ++i) {
    fuzz_check(again.keys()[i] == request.keys()[i], "another key");
  }
  fuzz_check(forwarded(again) == line, "forwarding twice: " + printable(line));
}

void check_multiget_part(const Request& request) {
  if (request.keys().empty()) return;
  std::vector<char> out(multiget_bytes_max(request.keys()));
  char* const end = write_multiget(out.data(), request.command, request.exptime_s, request.keys());
  const std::string line(out.data(), static_cast<std::size_t>(end - out.data()));
  std::string expected(name(request.command));
  if (request.has_exptime) expected += " exptime=" + std::to_string(request.exptime_s);
  for (const std::string_view key : request.keys()) expected += " key=" + printable(key);
  fuzz_check(transcribe_requests({line}).lines == std::vector{expected},
             "a multiget part: " + printable(line));
}

// Every request of the stream, data blocks run as commands too: the more lines the better.
void check_lines(std::string_view bytes) {
  RequestParser parser;
  Request request;
  for (;;) {
    std::size_t consumed_bytes = 0;
    const ParseResult result = parser.parse(bytes, request, consumed_bytes);
    if (result == ParseResult::kNeedMore) return;
    if (result == ParseResult::kInvalid && request.close) return;
    if (result == ParseResult::kDone) {
      // A line that fills the limit can grow beyond it when numbers are written out.
      const bool whole_line = !request.line.empty() && request.line.size() < 1900;
      if (spec(request.command).multi_key) {
        check_multiget_part(request);
      } else if (whole_line) {
        check_forwarding(request);
      }
    }
    bytes.remove_prefix(consumed_bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Transcript whole = transcribe_requests({stream});
  const Transcript cut = transcribe_requests(ringcache::test::split_bytes(stream, data[0]));
  fuzz_check(whole.broken_promise.empty(), whole.broken_promise);
  fuzz_check(cut.broken_promise.empty(), cut.broken_promise);
  fuzz_check(whole.lines == cut.lines, "another split, other requests");
  check_lines(stream);
  return 0;
}
