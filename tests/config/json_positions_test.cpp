#include "config/json_positions.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringcache::config;

namespace {

struct Parsed {
  std::string text;
  SourceText source;
  Diagnostics diagnostics;
  std::optional<JsonDocument> document;

  explicit Parsed(std::string t)
      : text(std::move(t)),
        source(text, "t"),
        diagnostics(source),
        document(parse_json(source, diagnostics)) {}

  std::string_view slice(TextRange range) const {
    return std::string_view(text).substr(range.begin, range.end - range.begin);
  }
  // "line:column: message" of the only error.
  std::string error() {
    const auto errors = diagnostics.take_errors();
    if (errors.size() != 1) return std::to_string(errors.size()) + " errors";
    return std::to_string(errors[0].line) + ':' + std::to_string(errors[0].column) + ": " +
           errors[0].message;
  }
};

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("every key and value knows where it stands") {
  for (const std::string blank : {"", " ", "\n\t", "/* \", */", "// 1,]}\n", " /**/ //\r /***/ "}) {
    CAPTURE(blank);
    std::string text;
    for (const char* token : {"{", "\"a\"", ":", "12",   ",", "\"b\"",           ":", "[", "-1.5e3",
                              ",", "true",  ",", "null", ",", "\"s\\n\\u00e9\"", ",", "{", "}",
                              "]", "}"}) {
      text += blank + token;
    }
    const Parsed parsed(text + blank);
    REQUIRE(parsed.document.has_value());
    const JsonNode& root = parsed.document->root();
    CHECK(parsed.slice(root.range) == "{");
    const JsonNode& a = *root.member("a");
    CHECK(parsed.slice(a.key_range) == "\"a\"");
    CHECK(parsed.slice(a.range) == "12");
    CHECK(a.number == 12);
    const JsonNode& b = *root.member("b");
    REQUIRE(b.children.size() == 5);
    CHECK(parsed.slice(b.range) == "[");
    CHECK(parsed.slice(b.children[0]->range) == "-1.5e3");
    CHECK(b.children[0]->number == -1500);
    CHECK(parsed.slice(b.children[1]->range) == "true");
    CHECK(b.children[1]->boolean);
    CHECK(parsed.slice(b.children[2]->range) == "null");
    CHECK(parsed.slice(b.children[3]->range) == "\"s\\n\\u00e9\"");
    CHECK(b.children[3]->text == "s\n\xc3\xa9");
    CHECK(parsed.slice(b.children[4]->range) == "{");
  }
}

TEST_CASE("a number may be all of the text") {
  const Parsed parsed("123");
  REQUIRE(parsed.document.has_value());
  CHECK(parsed.slice(parsed.document->root().range) == "123");
}

TEST_CASE("pointers lead to values and values know their pointers") {
  const Parsed parsed(R"({"a": [1, {"b/c": {"~": 2}}]})");
  REQUIRE(parsed.document.has_value());
  const JsonNode& deep = parsed.document->nearest("/a/1/b~1c/~0");
  CHECK(deep.number == 2);
  CHECK(deep.pointer() == "/a/1/b~1c/~0");
  CHECK(parsed.document->nearest("/a/1/nope/x").pointer() == "/a/1");
  CHECK(parsed.document->nearest("/a/7").pointer() == "/a");
  CHECK(parsed.document->nearest("").pointer().empty());
}

TEST_CASE("a byte order mark is no part of the document") {
  const Parsed parsed("\xef\xbb\xbf{\"a\":1}");
  REQUIRE(parsed.document.has_value());
  CHECK(parsed.slice(parsed.document->root().member("a")->range) == "1");
}

TEST_CASE("duplicate keys are errors, and the document is there all the same") {
  Parsed parsed("{\"a\": 1,\n \"b\": {\"a\": 2},\n \"a\": 3}");
  REQUIRE(parsed.document.has_value());
  CHECK(parsed.document->root().member("a")->number == 1);
  CHECK(parsed.error() == "3:2: duplicate key \"a\", first on line 1");
  // Spelt differently, but the same.
  CHECK(Parsed(R"({"a": 1, "\u0061": 2})").error() == "1:10: duplicate key \"a\", first on line 1");
}

TEST_CASE("too deep, too large, too many are refused before they cost anything") {
  CHECK(Parsed(nested(kJsonDepthMax)).document.has_value());
  CHECK(Parsed(nested(kJsonDepthMax + 1)).error() == "1:65: nested deeper than 64 levels");
  CHECK(Parsed(nested(1000)).error() == "1:65: nested deeper than 64 levels");
  CHECK(Parsed(std::string(3'000'000, '[')).error() == "1:65: nested deeper than 64 levels");
  CHECK(Parsed(std::string(10 << 20, ' ')).error() ==
        "1:1: too large: 10485760 bytes, at most 4194304");
  std::string many = "[0";
  for (std::size_t i = 2; i < kJsonValuesMax; ++i) many += ",0";
  CHECK(Parsed(many + "]").document.has_value());
  CHECK(Parsed(many + ",0]").error() == "1:400000: more than 200000 values");
}

TEST_CASE("a text cut anywhere is an error, never a document") {
  const std::string text = R"({"nodes": ["a:1", {"x": -1.5e3, "y": [true, null]}], "t": {}} )";
  REQUIRE(Parsed(text).document.has_value());
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    CAPTURE(size);
    Parsed parsed(text.substr(0, size));
    CHECK_FALSE(parsed.document.has_value());
    CHECK(parsed.diagnostics.error_count() == 1);
  }
}

TEST_CASE("any byte in place of any other gives a document or one error with a place in the text") {
  const std::string text = "{\"k\": [1, \"s\"], /**/ \"l\": null}";
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = text;
      changed[at] = static_cast<char>(byte);
      Parsed parsed(changed);
      if (parsed.document) continue;
      const auto errors = parsed.diagnostics.take_errors();
      REQUIRE(errors.size() == 1);
      CHECK(errors[0].line >= 1);
      CHECK(errors[0].line <= 2);
      CHECK(errors[0].column <= text.size() + 1);
    }
  }
}
