#include "config/value_codecs.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringcache::config;
using namespace std::chrono_literals;

namespace {

// The value that `json` decodes to, or the first word of trouble.
template <typename T>
std::optional<T> decode(const Codec<T>& codec, const std::string& json) {
  const SourceText source(json, "t");
  Diagnostics diagnostics(source);
  const auto document = parse_json(source, diagnostics);
  REQUIRE(document.has_value());
  DecodeContext context(diagnostics);
  T value{};
  const bool good = codec.decode(context, document->root(), value);
  CHECK(good == (diagnostics.error_count() == 0));
  return good ? std::optional(value) : std::nullopt;
}

}  // namespace

TEST_CASE("durations") {
  const auto codec = duration(0ms, 168h);
  CHECK(decode(codec, R"("250ms")") == 250ms);
  CHECK(decode(codec, R"("2s")") == 2000ms);
  CHECK(decode(codec, R"("10m")") == 600'000ms);
  CHECK(decode(codec, R"("168h")") == 168h);
  CHECK(decode(codec, R"("0s")") == 0ms);
  CHECK(decode(codec, R"("007s")") == 7s);
  for (const char* bad :
       {R"("169h")", R"("1d")", R"("5")", "5", R"("s")", R"("")", R"("-1s")", R"("1.5s")",
        R"("1 s")", R"(" 1s")", R"("1s ")", R"("1S")", R"("1m30s")", R"("18446744073709551616ms")",
        R"("5124095576030432h")", "null", "true", "[]"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode(codec, bad).has_value());
  }
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(60s) == "1m");
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(48h) == "48h");
}

TEST_CASE("durations in seconds refuse fractions") {
  const auto codec = duration_in_seconds(1s, 1h);
  CHECK(decode(codec, R"("2000ms")") == 2s);
  CHECK_FALSE(decode(codec, R"("1500ms")").has_value());
  CHECK_FALSE(decode(codec, R"("999ms")").has_value());
}

TEST_CASE("sizes have binary units only") {
  const auto codec = size(1, std::uint64_t{1} << 40);
  CHECK(decode(codec, R"("1B")") == 1);
  CHECK(decode(codec, R"("512KiB")") == 524'288);
  CHECK(decode(codec, R"("1MiB")") == 1'048'576);
  CHECK(decode(codec, R"("1024GiB")") == std::uint64_t{1} << 40);
  for (const char* bad : {R"("0B")", R"("1025GiB")", R"("1MB")", R"("1m")", R"("1 MiB")", R"("1")",
                          "1048576", R"("17179869185GiB")"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode(codec, bad).has_value());
  }
  CHECK(format_size(0) == "0B");
  CHECK(format_size(1'048'576) == "1MiB");
  CHECK(format_size(1'048'577) == "1048577B");
}

TEST_CASE("counts are whole numbers in their range, however they are written") {
  const auto codec = count(1, 4'294'967'295u);
  CHECK(decode(codec, "1") == 1);
  CHECK(decode(codec, "4294967295") == 4'294'967'295u);
  CHECK(decode(codec, "2.0") == 2);
  CHECK(decode(codec, "1e3") == 1000);
  for (const char* bad : {"0", "-1", "1.5", "4294967296", "18446744073709551617", "1e300", "-0",
                          "true", R"("1")", "null"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode(codec, bad).has_value());
  }
}

TEST_CASE("names out of a list") {
  constexpr std::string_view kNames[] = {"red", "green"};
  enum class Colour : std::uint8_t { kRed, kGreen };
  const auto codec = name_of<Colour>(kNames);
  CHECK(decode(codec, R"("green")") == Colour::kGreen);
  CHECK(codec.encode(Colour::kRed) == Json("red"));
  CHECK_FALSE(decode(codec, R"("Green")").has_value());
  CHECK_FALSE(decode(codec, "1").has_value());
  CHECK(decode(name_in(kNames), R"("red")") == "red");
}

TEST_CASE("a list keeps its indexes when an element is bad") {
  const auto codec = list_of(count(1, 9), 1, 3, "digits");
  CHECK(decode(codec, "[1, 2]") == std::vector<std::uint32_t>{1, 2});
  CHECK_FALSE(decode(codec, "[]").has_value());
  CHECK_FALSE(decode(codec, "[1, 2, 3, 4]").has_value());

  const std::string json = "[1, 77, 3]";
  const SourceText source(json, "t");
  Diagnostics diagnostics(source);
  const auto document = parse_json(source, diagnostics);
  DecodeContext context(diagnostics);
  std::vector<std::uint32_t> list;
  CHECK_FALSE(codec.decode(context, document->root(), list));
  CHECK(list == std::vector<std::uint32_t>{1, 0, 3});
  CHECK(diagnostics.take_errors()[0].pointer == "/1");
}
