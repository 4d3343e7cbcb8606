#include "protocol/number.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace {

using namespace ringcache::protocol;

TEST_CASE("unsigned numbers are read as strtoull reads them") {
  struct Row {
    std::string_view word;
    bool good;
    std::uint64_t number;
  };
  const Row rows[] = {
      {"0", true, 0},
      {"7", true, 7},
      {"+7", true, 7},
      {"007", true, 7},
      {"\t7", true, 7},
      {"7\tx", true, 7},
      {"7\x0b", true, 7},
      {"18446744073709551615", true, UINT64_MAX},
      {"18446744073709551616", false, 0},
      {"99999999999999999999", false, 0},
      {"184467440737095516150", false, 0},
      {"-18446744073709551615", true, 1},
      {"-1", false, 0},
      {"-9223372036854775808", false, 0},
      {"-9223372036854775809", true, INT64_MAX},
      {"18446744073709551615\t-", false, 0},  // a '-' anywhere
      {"", false, 0},
      {"+", false, 0},
      {"-", false, 0},
      {"+-1", false, 0},
      {"x", false, 0},
      {"7x", false, 0},
      {"0x7", false, 0},
      {"7.0", false, 0},
      {"\t", false, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.word);
    std::uint64_t number = 42;
    CHECK(parse_unsigned(row.word, number) == row.good);
    CHECK(number == (row.good ? row.number : 42));
  }
}

TEST_CASE("client flags are the low 32 bits of an unsigned number") {
  std::uint32_t flags = 0;
  CHECK(parse_client_flags("4294967295", flags));
  CHECK(flags == UINT32_MAX);
  CHECK(parse_client_flags("4294967297", flags));
  CHECK(flags == 1);
  CHECK_FALSE(parse_client_flags("-1", flags));
  CHECK_FALSE(parse_client_flags("18446744073709551616", flags));
}

TEST_CASE("signed numbers have the range of int64") {
  std::int64_t number = 0;
  CHECK(parse_signed("-1", number));
  CHECK(number == -1);
  CHECK(parse_signed("9223372036854775807", number));
  CHECK(number == INT64_MAX);
  CHECK_FALSE(parse_signed("9223372036854775808", number));
  CHECK(parse_signed("-9223372036854775808", number));
  CHECK(number == INT64_MIN);
  CHECK_FALSE(parse_signed("-9223372036854775809", number));
  CHECK_FALSE(parse_signed("", number));
  CHECK_FALSE(parse_signed("1-", number));
}

TEST_CASE("a data length is between zero and what memcached lets one name") {
  std::uint32_t bytes = 0;
  CHECK(parse_value_bytes("0", bytes));
  CHECK(bytes == 0);
  CHECK(parse_value_bytes("2147483645", bytes));
  CHECK(bytes == 2147483645);
  CHECK_FALSE(parse_value_bytes("2147483646", bytes));
  CHECK_FALSE(parse_value_bytes("4294967297", bytes));  // 1 modulo 2^32
  CHECK_FALSE(parse_value_bytes("-1", bytes));
}

TEST_CASE("a strict number is digits and nothing else") {
  std::uint64_t number = 0;
  CHECK(parse_digits("18446744073709551615", number));
  CHECK(number == UINT64_MAX);
  for (const std::string_view word :
       {"", "+1", "-1", " 1", "1 ", "\t1", "1\t", "1x", "18446744073709551616"}) {
    CAPTURE(word);
    CHECK_FALSE(parse_digits(word, number));
  }
}

TEST_CASE("every number that is formatted is parsed back") {
  std::array<char, kNumberTextBytesMax> text;
  const auto round_trip = [&text](std::uint64_t number) {
    std::uint64_t back = 0;
    const char* const end = format_number(text.data(), number);
    CHECK(parse_digits({text.data(), static_cast<std::size_t>(end - text.data())}, back));
    CHECK(back == number);
  };
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    round_trip(power - 1);
    round_trip(power);
    round_trip(power + 1);
  }
  round_trip(UINT64_MAX);
  char* const end = format_number(text.data(), std::int64_t{INT64_MIN});
  CHECK(std::string(text.data(), end) == "-9223372036854775808");
}

}  // namespace
