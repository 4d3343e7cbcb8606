#include "config/diagnostics.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ringcache::config;

TEST_CASE("a finding is printed with its place, line, caret and hint") {
  const std::string text = "{\n  \"nods\": 1\n}\n";
  const SourceText source(text, "p.json");
  CHECK(format(source.diagnose(Severity::kError, {4, 10}, "/nods", "unknown key",
                               "did you mean \"nodes\"?")) ==
        "p.json:2:3: /nods: unknown key\n"
        "    2 |   \"nods\": 1\n"
        "      |   ^~~~~~\n"
        "        hint: did you mean \"nodes\"?\n");
  CHECK(format(source.diagnose(Severity::kWarning, {0, 1}, "", "odd")) ==
        "p.json:1:1: warning: odd\n"
        "    1 | {\n"
        "      | ^\n");
}

TEST_CASE("a finding about the whole file has no excerpt") {
  Diagnostic d;
  d.file = "p.json";
  d.message = "cannot read";
  CHECK(format(d) == "p.json: cannot read\n");
}

TEST_CASE("columns and carets count characters, not bytes") {
  const std::string text = "\t\"caf\xc3\xa9\": x";
  const SourceText source(text, "p");
  const Diagnostic d = source.diagnose(Severity::kError, {10, 11}, "", "m");
  CHECK(d.column == 10);
  CHECK(d.excerpt == " \"caf\xc3\xa9\": x");
  CHECK(d.mark_begin == 9);
}

TEST_CASE("places at the edges: end of text, end of line, carriage return, byte order mark") {
  const SourceText crlf("ab\r\ncd\r\n", "p");
  CHECK(crlf.diagnose(Severity::kError, {3, 4}, "", "m").line == 1);
  CHECK(crlf.diagnose(Severity::kError, {3, 4}, "", "m").column == 3);
  CHECK(crlf.diagnose(Severity::kError, {0, 6}, "", "m").mark_length == 2);
  CHECK(crlf.diagnose(Severity::kError, {8, 9}, "", "m").line == 3);
  CHECK(crlf.diagnose(Severity::kError, {99, 999}, "", "m").line == 3);
  CHECK(SourceText("", "p").diagnose(Severity::kError, {0, 0}, "", "m").column == 1);

  const SourceText marked("\xef\xbb\xbf{x", "p");
  const Diagnostic d = marked.diagnose(Severity::kError, {4, 5}, "", "m");
  CHECK(d.column == 2);
  CHECK(d.excerpt == "{x");
}

TEST_CASE("a long line is cut around the mark") {
  const std::string text = std::string(500, 'a') + "XYZ" + std::string(500, 'b');
  const Diagnostic d = SourceText(text, "p").diagnose(Severity::kError, {500, 503}, "", "m");
  CHECK(d.column == 501);
  CHECK(d.excerpt.size() == 106);
  CHECK(d.excerpt.substr(d.mark_begin, d.mark_length) == "XYZ");

  // A mark that is longer than what is shown ends with it.
  const Diagnostic all = SourceText(text, "p").diagnose(Severity::kError, {0, 1003}, "", "m");
  CHECK(all.mark_begin == 0);
  CHECK(all.mark_length == 100);
}

TEST_CASE("nothing from the file reaches a terminal unchanged that should not") {
  CHECK(printable("a\x1b[31mb\x7f\n") == "a?[31mb??");
  CHECK(printable("\xe2\x80\xae"
                  "abc") == "?abc");    // right-to-left override
  CHECK(printable("\xc2\x9b") == "?");  // a control character of Latin-1
  CHECK(printable("a\xff\xc3") == "a\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(printable("abcdef", 3) == "abc...");
  const SourceText source("{\"\x1b[2J\": 1}", "p\x1b.json");
  const std::string shown =
      format(source.diagnose(Severity::kError, {1, 7}, "/\x1b[2J", "unknown"));
  CHECK(shown.find('\x1b') == std::string::npos);
}

TEST_CASE("findings are kept in the order of the file, bounded, and counted on") {
  const SourceText source("a\nb\nc\n", "p");
  Diagnostics diagnostics(source);
  diagnostics.error({4, 5}, "/c", "third");
  diagnostics.error({0, 1}, "/a", "first");
  diagnostics.warning({2, 3}, "/b", "second");
  CHECK(diagnostics.has_error_within("/c"));
  CHECK(diagnostics.has_error_within(""));
  CHECK_FALSE(diagnostics.has_error_within("/b"));
  for (std::size_t i = 0; i < 2 * kDiagnosticsMax; ++i) diagnostics.error({2, 3}, "/x/y", "again");
  CHECK(diagnostics.has_error_within("/x"));
  CHECK_FALSE(diagnostics.has_error_at("/x"));
  CHECK(diagnostics.has_error_at("/x/y"));
  CHECK(diagnostics.error_count() == 2 * kDiagnosticsMax + 2);

  const std::vector<Diagnostic> errors = diagnostics.take_errors();
  REQUIRE(errors.size() == kDiagnosticsMax + 1);
  CHECK(errors.front().message == "first");
  CHECK(errors[kDiagnosticsMax - 1].message == "third");
  CHECK(format(errors.back()) == "p: 102 more errors\n");
  CHECK(diagnostics.take_warnings().size() == 1);
}

TEST_CASE("a pointer that only begins like another is not within it") {
  const SourceText source("a", "p");
  Diagnostics diagnostics(source);
  diagnostics.error({0, 1}, "/nodes/10", "m");
  CHECK_FALSE(diagnostics.has_error_within("/nodes/1"));
  CHECK(diagnostics.has_error_within("/nodes"));
}

TEST_CASE("misspellings find their name") {
  const std::vector<std::string_view> names{"listen", "threads", "limits", "nodes", "log"};
  CHECK(nearest_name("lisen", names) == "listen");
  CHECK(nearest_name("ndoes", names) == "nodes");
  CHECK(nearest_name("Threads", names) == "threads");
  CHECK(nearest_name("logging", names) == "log");
  CHECK_FALSE(nearest_name("pools", names).has_value());
  CHECK_FALSE(nearest_name("x", names).has_value());
  CHECK_FALSE(nearest_name("", names).has_value());
  CHECK_FALSE(nearest_name(std::string(100'000, 'n'), names).has_value());
  CHECK(suggestion("ndoes", names) == "did you mean \"nodes\"?");
  CHECK(suggestion("zzz", names) == "one of: listen, threads, limits, nodes, log");
}

TEST_CASE("bytes that are not UTF-8 are found") {
  CHECK_FALSE(find_invalid_utf8("").has_value());
  CHECK_FALSE(find_invalid_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80").has_value());
  CHECK(find_invalid_utf8("ab\xff") == 2);
  CHECK(find_invalid_utf8("a\xc3") == 1);             // cut short
  CHECK(find_invalid_utf8("\xc0\xaf") == 0);          // longer than need be
  CHECK(find_invalid_utf8("\xe0\x80\xaf") == 0);      // the same
  CHECK(find_invalid_utf8("\xed\xa0\x80") == 0);      // a surrogate
  CHECK(find_invalid_utf8("\xf4\x90\x80\x80") == 0);  // beyond U+10FFFF
  CHECK(find_invalid_utf8("x\x80") == 1);             // no beginning
}
