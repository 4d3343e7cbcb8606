#include "tests/fuzz/reply_forms.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace ringcache::test {

namespace {

constexpr std::string_view kCrlf = "\r\n";
constexpr std::array<std::string_view, 27> kFirstWords{
    "VALUE",   "END", "STORED", "NOT_STORED", "EXISTS",       "NOT_FOUND",    "DELETED",
    "TOUCHED", "OK",  "ERROR",  "RESET",      "CLIENT_ERROR", "SERVER_ERROR", "VERSION",
    "STAT",    "HD",  "VA",     "EN",         "NF",           "NS",           "EX",
    "ME",      "MN",  "BUSY",   "NOTFOUND",   "Error",        "PREFIX"};

std::string_view word(std::string_view line, int number) {
  for (; number > 0; --number) {
    line.remove_prefix(std::min(line.size(), line.find(' ')));
    if (!line.empty()) line.remove_prefix(1);
  }
  return line.substr(0, line.find(' '));
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An error may go on in any way: clients look at its beginning.
bool is_reply(std::string_view first) {
  return number(first) || first.starts_with("ERROR") ||
         std::find(kFirstWords.begin(), kFirstWords.end(), first) != kFirstWords.end();
}

}  // namespace

std::string first_strange_reply(std::string_view bytes) {
  while (true) {
    const std::size_t end = bytes.find(kCrlf);
    if (end == std::string_view::npos) return "";
    const std::string_view line = bytes.substr(0, end);
    const std::string_view first = word(line, 0);
    if (!is_reply(first)) return "no reply: " + std::string(line);
    bytes.remove_prefix(end + kCrlf.size());
    if (first != "VALUE" && first != "VA") continue;
    const auto value_bytes = number(word(line, first == "VALUE" ? 3 : 1));
    if (!value_bytes) return "a value without a length: " + std::string(line);
    if (bytes.size() < *value_bytes + kCrlf.size()) return "";
    if (bytes.substr(*value_bytes, kCrlf.size()) != kCrlf) {
      return "a value without its end: " + std::string(line);
    }
    bytes.remove_prefix(*value_bytes + kCrlf.size());
  }
}

std::string first_strange_packet(std::string_view bytes) {
  constexpr std::size_t kHeaderBytes = 24;
  while (bytes.size() >= kHeaderBytes) {
    const auto byte = [&](std::size_t at) {
      return std::size_t{static_cast<unsigned char>(bytes[at])};
    };
    if (byte(0) != 0x81) return "no packet";
    if (byte(5) != 0) return "an unknown data type";
    const std::size_t body_bytes = byte(8) << 24 | byte(9) << 16 | byte(10) << 8 | byte(11);
    if ((byte(2) << 8 | byte(3)) + byte(4) > body_bytes) return "a body too short for its key";
    bytes.remove_prefix(std::min(bytes.size(), kHeaderBytes + body_bytes));
  }
  return "";
}

}  // namespace ringcache::test
