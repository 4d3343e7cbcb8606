// The cases of tests/wire/lines.txt through the parser alone: the same at every split, and the
// errors that are the parser's are those that memcached answers (or that the case documents).
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "protocol/response.h"
#include "tests/protocol/transcript.h"
#include "tests/support/for_each_split.h"

namespace {

using namespace ringcache::protocol;
using ringcache::test::for_each_split;
using ringcache::test::transcribe_requests;
using ringcache::test::Transcript;
using Lines = std::vector<std::string>;

struct Case {
  std::string name;
  std::string send;
  Lines expected;  // ours where it differs
  bool differs = false;
};

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    switch (const char c = text[++i]; c) {
      case 'r':
        out += '\r';
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '0':
        out += '\0';
        break;
      case 'x':
        out +=
            static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
        i += 2;
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Replaces {{x*3}} by xxx and {{captured}} by a number.
std::string expanded(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t open = text.find("{{");
    out += text.substr(0, open);
    if (open == std::string_view::npos) return out;
    const std::size_t close = text.find("}}", open);
    const std::string_view inner = text.substr(open + 2, close - open - 2);
    if (const std::size_t star = inner.rfind('*'); star != std::string_view::npos) {
      const long count = std::strtol(std::string(inner.substr(star + 1)).c_str(), nullptr, 10);
      for (long i = 0; i < count; ++i) out += inner.substr(0, star);
    } else {
      out += "1";
    }
    text.remove_prefix(close + 2);
  }
}

std::vector<Case> read_cases() {
  std::vector<Case> cases;
  std::ifstream file(RINGCACHE_WIRE_LINES);
  REQUIRE(file.good());
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string tag = line.substr(0, space);
    const std::string rest = space < line.size() ? line.substr(space + 1) : "";
    if (tag == "=") {
      cases.push_back({rest, "", {}, false});
    } else if (tag == ">") {
      const bool open_end = rest.ends_with('\\') && !rest.ends_with("\\\\");
      cases.back().send +=
          expanded(unescaped(open_end ? rest.substr(0, rest.size() - 1) : rest + "\\r\\n"));
    } else if (tag == "<" && !cases.back().differs) {
      cases.back().expected.push_back(rest);
    } else if (tag == "<<") {
      if (!cases.back().differs) cases.back().expected.clear();
      cases.back().differs = true;
      cases.back().expected.push_back(rest);
    }
  }
  return cases;
}

// The texts that nobody but the parser answers, "ERROR" included unless stats may say it too.
bool is_parser_error(std::string_view text, bool has_stats) {
  if (text == kErrorUnknownCommand) return !has_stats;
  const std::string_view texts[] = {kErrorBadLineFormat,
                                    kErrorDeleteUsage,
                                    kErrorBadExptime,
                                    kErrorBadDelta,
                                    kErrorBadToken,
                                    kErrorBadInitial,
                                    kErrorBadMetaDelta,
                                    kErrorModeLength,
                                    kErrorSetMode,
                                    kErrorDuplicateFlag,
                                    kErrorInvalidFlag,
                                    kErrorArithmeticMode,
                                    kErrorKeyDecoding,
                                    kErrorManyGetFlags,
                                    kErrorManyFlags,
                                    kErrorOpaqueTooLong,
                                    kErrorInvalidOrDuplicateFlag};
  return std::find(std::begin(texts), std::end(texts), text) != std::end(texts);
}

// The error at the end of a transcript line, without "!"; empty for other lines and quiet errors.
std::string error_in(const std::string& line) {
  const std::size_t mark = line.starts_with('!') ? 0 : line.find(" !");
  if (mark == std::string::npos) return "";
  std::string error = line.substr(line.find('!', mark) + 1);
  if (error.starts_with("quiet ")) return "";
  return error.substr(0, error.find(" (close)"));
}

TEST_CASE("the lines of the wire tests at every split") {
  std::size_t cases_with_errors = 0;
  const std::vector<Case> cases = read_cases();
  REQUIRE(cases.size() > 300);
  for (const Case& wire : cases) {
    CAPTURE(wire.name);
    const Transcript whole = transcribe_requests({wire.send});
    CHECK(whole.broken_promise == "");
    if (wire.send.size() <= 600) {
      for_each_split(wire.send, [&](const std::vector<std::string_view>& pieces) {
        CHECK(transcribe_requests(pieces) == whole);
      });
    }

    const bool has_stats = wire.send.find("stats") != std::string::npos;
    Lines said;
    for (const std::string& line : whole.lines) {
      if (const std::string error = error_in(line); is_parser_error(error, has_stats)) {
        said.push_back(error);
      }
    }
    Lines expected;
    for (const std::string& line : wire.expected) {
      if (is_parser_error(line, has_stats)) expected.push_back(line);
    }
    CHECK(said == expected);
    cases_with_errors += expected.empty() ? 0 : 1;
  }
  CHECK(cases_with_errors > 100);
}

}  // namespace
