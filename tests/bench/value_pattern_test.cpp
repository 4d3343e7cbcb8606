#include "tests/bench/value_pattern.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/bench/value_sizes.h"

namespace ringcache::bench {
namespace {

std::string value_of(std::size_t bytes, std::uint64_t index, std::uint32_t version) {
  std::string value(bytes, '?');
  write_value(value.data(), bytes, index, version);
  return value;
}

bool accepts(std::uint64_t index, std::size_t bytes, const std::string& value) {
  ValueVerifier verifier;
  verifier.begin(index, bytes);
  verifier.feed(value.data(), value.size());
  return verifier.complete();
}

}  // namespace

TEST_CASE("a value is right however it is cut into pieces") {
  for (std::size_t bytes : {0, 1, 7, 8, 9, 15, 16, 17, 40, 100}) {
    const std::string value = value_of(bytes, 5, 9);
    for (std::size_t first = 0; first <= bytes; ++first) {
      for (std::size_t second = first; second <= bytes; ++second) {
        ValueVerifier verifier;
        verifier.begin(5, bytes);
        CHECK(verifier.feed(value.data(), first));
        CHECK(verifier.feed(value.data() + first, second - first));
        CHECK(verifier.feed(value.data() + second, bytes - second));
        CHECK(verifier.complete());
      }
    }
  }
}

TEST_CASE("every single changed bit is found") {
  for (const std::size_t bytes : {1, 7, 8, 100}) {
    const std::string value = value_of(bytes, 123, 456);
    for (std::size_t bit = 0; bit < bytes * 8; ++bit) {
      std::string wrong = value;
      wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
      CAPTURE(bit);
      CHECK_FALSE(accepts(123, bytes, wrong));
    }
  }
}

TEST_CASE("another key's value is found") {
  for (const std::size_t bytes : {7, 8, 100}) {
    CHECK(accepts(1, bytes, value_of(bytes, 1, 3)));
    CHECK_FALSE(accepts(1, bytes, value_of(bytes, 2, 3)));
  }
}

TEST_CASE("two versions in one value are found, wherever they meet") {
  const std::string older = value_of(64, 1, 3);
  const std::string newer = value_of(64, 1, 4);
  CHECK(accepts(1, 64, older));
  CHECK(accepts(1, 64, newer));
  for (std::size_t cut = 1; cut < 64; ++cut) {
    CAPTURE(cut);
    CHECK_FALSE(accepts(1, 64, newer.substr(0, cut) + older.substr(cut)));
  }
}

TEST_CASE("a value too short, too long or shifted is found") {
  const std::string value = value_of(100, 1, 3);
  CHECK_FALSE(accepts(1, 100, value.substr(0, 99)));
  CHECK_FALSE(accepts(1, 100, value + "x"));
  CHECK_FALSE(accepts(1, 100, value.substr(1) + value[0]));
  CHECK_FALSE(accepts(1, 100, value.substr(8) + value.substr(0, 8)));
}

TEST_CASE("sizes are what was asked for") {
  CHECK(ValueSizes::parse("100")->of(7) == 100);
  CHECK(ValueSizes::parse("0")->of(7) == 0);
  const auto range = ValueSizes::parse("100-200");
  REQUIRE(range);
  CHECK(range->mean() == doctest::Approx(150).epsilon(0.01));
  for (std::uint64_t index = 0; index < 1000; ++index) {
    CHECK(range->of(index) >= 100);
    CHECK(range->of(index) <= 200);
  }
  const auto log = ValueSizes::parse("log:1-1024");
  REQUIRE(log);
  CHECK(log->mean() == doctest::Approx(1023 / std::log(1024.0)).epsilon(0.02));
  const auto lognormal = ValueSizes::parse("lognormal:400,0.5,64,60000");
  REQUIRE(lognormal);
  CHECK(lognormal->mean() == doctest::Approx(400 * std::exp(0.125)).epsilon(0.02));
}

TEST_CASE("sizes that make no sense are refused") {
  for (const char* text : {"", "x", "-1", "100x", "200-100", "1-", "log:0-10", "log:10",
                           "lognormal:400,0.5,64", "2000000000", "1-2000000000", "nan"}) {
    CAPTURE(text);
    CHECK_FALSE(ValueSizes::parse(text));
  }
}

}  // namespace ringcache::bench
