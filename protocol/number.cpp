#include "protocol/number.h"

#include <limits>

namespace ringcache::protocol {

namespace {

// isspace() of the C locale.
constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Digits from word[at] on; `at` ends after the last one. False without a digit or above 2^64-1.
bool scan_digits(std::string_view word, std::size_t& at, std::uint64_t& out) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const std::size_t first = at;
  std::uint64_t number = 0;
  for (; at < word.size() && is_digit(word[at]); ++at) {
    const auto digit = static_cast<std::uint64_t>(word[at] - '0');
    if (number > kMax / 10 || (number == kMax / 10 && digit > kMax % 10)) return false;
    number = number * 10 + digit;
  }
  out = number;
  return at != first;
}

// White space, sign, digits, and then the end or white space and anything.
bool scan_client_number(std::string_view word, bool& negative, std::uint64_t& magnitude) {
  std::size_t at = 0;
  while (at < word.size() && is_space(word[at])) ++at;
  negative = at < word.size() && word[at] == '-';
  if (at < word.size() && (word[at] == '-' || word[at] == '+')) ++at;
  return scan_digits(word, at, magnitude) && (at == word.size() || is_space(word[at]));
}

}  // namespace

bool parse_unsigned(std::string_view word, std::uint64_t& out) {
  bool negative = false;
  std::uint64_t magnitude = 0;
  if (!scan_client_number(word, negative, magnitude)) return false;
  const std::uint64_t number = negative ? 0 - magnitude : magnitude;
  // memcached looks for a '-' anywhere in the word, and only when the top bit is set.
  if ((number >> 63) != 0 && word.find('-') != std::string_view::npos) return false;
  out = number;
  return true;
}

bool parse_client_flags(std::string_view word, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (!parse_unsigned(word, number)) return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

bool parse_signed(std::string_view word, std::int64_t& out) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  bool negative = false;
  std::uint64_t magnitude = 0;
  if (!scan_client_number(word, negative, magnitude)) return false;
  if (magnitude > kMax + (negative ? 1 : 0)) return false;
  out = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

bool parse_value_bytes(std::string_view word, std::uint32_t& out) {
  std::int64_t number = 0;
  if (!parse_signed(word, number) || number < 0 || number > kValueBytesNameable) return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

bool parse_digits(std::string_view word, std::uint64_t& out) {
  std::size_t at = 0;
  std::uint64_t number = 0;
  if (!scan_digits(word, at, number) || at != word.size()) return false;
  out = number;
  return true;
}

}  // namespace ringcache::protocol
