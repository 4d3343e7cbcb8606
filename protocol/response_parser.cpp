#include "protocol/response_parser.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "protocol/limits.h"
#include "protocol/number.h"

namespace ringcache::protocol {

namespace {

struct FixedLine {
  std::string_view text;  // with CRLF
  ResponseStatus status;
};

constexpr std::array<FixedLine, 8> kFixedLines{{
    {kStored, ResponseStatus::kStored},
    {kNotFound, ResponseStatus::kNotFound},
    {kDeleted, ResponseStatus::kDeleted},
    {kTouched, ResponseStatus::kTouched},
    {kNotStored, ResponseStatus::kNotStored},
    {kExists, ResponseStatus::kExists},
    {kOk, ResponseStatus::kOk},
    {kReset, ResponseStatus::kReset},
}};

struct MetaCode {
  std::string_view text;
  ResponseStatus status;
};

constexpr std::array<MetaCode, 8> kMetaCodes{{
    {"HD", ResponseStatus::kMetaHit},
    {"VA", ResponseStatus::kMetaValue},
    {"EN", ResponseStatus::kMetaMiss},
    {"NF", ResponseStatus::kMetaNotFound},
    {"NS", ResponseStatus::kMetaNotStored},
    {"EX", ResponseStatus::kMetaExists},
    {"MN", ResponseStatus::kMetaNoop},
    {"ME", ResponseStatus::kMetaDebug},
}};

ParseResult invalid(Response& response, std::string_view error) {
  response.error = error;
  return ParseResult::kInvalid;
}

// Takes the next word off the front of `text`; words are parted by exactly one space.
std::string_view next_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

bool starts_with_word(std::string_view line, std::string_view word) {
  if (!line.starts_with(word)) return false;
  if (line.size() == word.size()) return true;
  return line[word.size()] == ' ' || line[word.size()] == ':';  // "ERROR: shutdown not enabled"
}

bool read_error_line(Response& response) {
  if (starts_with_word(response.line, "ERROR")) {
    response.status = ResponseStatus::kError;
  } else if (starts_with_word(response.line, "SERVER_ERROR")) {
    response.status = ResponseStatus::kServerError;
  } else if (starts_with_word(response.line, "CLIENT_ERROR")) {
    response.status = ResponseStatus::kClientError;
  } else {
    return false;
  }
  return true;
}

bool read_client_flags(std::string_view word, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (!parse_digits(word, number) || number > UINT32_MAX) return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

// A line is there and says that data follows: is all of it?
ParseResult read_data(std::string_view bytes, Response& response) {
  const std::size_t data_end = response.header_bytes + response.value_bytes;
  const std::size_t end = data_end + kCrlf.size();
  if (bytes.size() < end) {
    response.bytes_needed = end;
    return ParseResult::kNeedMore;
  }
  if (bytes.substr(data_end, kCrlf.size()) != kCrlf) {
    return invalid(response, "no CRLF after the data of a value");
  }
  response.value = bytes.substr(response.header_bytes, response.value_bytes);
  response.bytes = bytes.substr(0, end);
  return ParseResult::kDone;
}

bool read_size(std::string_view word, std::size_t value_bytes_max, Response& response) {
  std::uint64_t size = 0;
  if (!parse_digits(word, size) || size > value_bytes_max) return false;
  response.value_bytes = static_cast<std::size_t>(size);
  return true;
}

// "VALUE <key> <flags> <bytes>[ <cas>]"
ParseResult read_value(std::string_view bytes, std::size_t value_bytes_max, Response& response) {
  std::string_view rest = response.line.substr(std::string_view("VALUE ").size());
  response.status = ResponseStatus::kValue;
  response.last = false;
  response.key = next_word(rest);
  if (response.key.empty() || response.key.size() > kKeyBytesMax) {
    return invalid(response, "bad key in a VALUE line");
  }
  if (!read_client_flags(next_word(rest), response.client_flags)) {
    return invalid(response, "bad flags in a VALUE line");
  }
  if (!read_size(next_word(rest), value_bytes_max, response)) {
    return invalid(response, "bad or too large size in a VALUE line");
  }
  if (!rest.empty()) {
    if (!parse_digits(rest, response.cas_unique)) {
      return invalid(response, "bad cas unique in a VALUE line");
    }
    response.has_cas = true;
  }
  return read_data(bytes, response);
}

ParseResult read_values_line(std::string_view bytes, std::size_t value_bytes_max,
                             Response& response) {
  if (response.line.starts_with("VALUE ")) return read_value(bytes, value_bytes_max, response);
  if (response.bytes != kEnd) return invalid(response, "neither VALUE nor END");
  response.status = ResponseStatus::kEnd;
  return ParseResult::kDone;
}

ParseResult read_stats_line(Response& response) {
  const std::string_view line = response.line;
  if (line.starts_with("STAT ") || line.starts_with("ITEM ") || line.starts_with("PREFIX ")) {
    response.status = ResponseStatus::kStat;
    response.last = false;
  } else if (response.bytes == kEnd) {
    response.status = ResponseStatus::kEnd;
  } else if (response.bytes == kReset) {
    response.status = ResponseStatus::kReset;
  } else if (response.bytes == kOk) {
    response.status = ResponseStatus::kOk;
  } else {
    return invalid(response, "neither STAT nor END, OK or RESET");
  }
  return ParseResult::kDone;
}

ParseResult read_single_line(Response& response) {
  for (const FixedLine& fixed : kFixedLines) {
    if (response.bytes == fixed.text) {
      response.status = fixed.status;
      return ParseResult::kDone;
    }
  }
  if (response.line.starts_with("VERSION ")) {
    response.status = ResponseStatus::kVersion;
    return ParseResult::kDone;
  }
  // A decr may leave the number padded with spaces (protocol.txt, "Increment/Decrement").
  std::string_view digits = response.line;
  while (!digits.empty() && digits.back() == ' ') digits.remove_suffix(1);
  if (!parse_digits(digits, response.number)) return invalid(response, "unknown line");
  response.status = ResponseStatus::kNumber;
  return ParseResult::kDone;
}

// "k<key> c12 f5 Oabc W": only what a proxy looks at; the rest is the client's.
bool read_meta_flags(Response& response) {
  std::string_view rest = response.meta_flags;
  while (!rest.empty()) {
    const std::string_view word = next_word(rest);
    if (word.empty()) continue;
    const std::string_view argument = word.substr(1);
    switch (word[0]) {
      case 'k':
        response.key = argument;
        break;
      case 'O':
        response.opaque = argument;
        break;
      case 'f':
        if (!read_client_flags(argument, response.client_flags)) return false;
        break;
      case 'c':
        if (!parse_digits(argument, response.cas_unique)) return false;
        response.has_cas = true;
        break;
      default:
        break;
    }
  }
  return true;
}

ParseResult read_meta_line(std::string_view bytes, std::size_t value_bytes_max,
                           Response& response) {
  std::string_view rest = response.line;
  const std::string_view code = next_word(rest);
  const auto* const row = std::find_if(kMetaCodes.begin(), kMetaCodes.end(),
                                       [code](const MetaCode& c) { return c.text == code; });
  if (row == kMetaCodes.end()) return invalid(response, "unknown meta code");
  response.status = row->status;
  if (row->status == ResponseStatus::kMetaDebug) {
    response.key = next_word(rest);
    response.meta_flags = rest;
    return ParseResult::kDone;
  }
  const bool has_data = row->status == ResponseStatus::kMetaValue;
  if (has_data && !read_size(next_word(rest), value_bytes_max, response)) {
    return invalid(response, "bad or too large size in a VA line");
  }
  response.meta_flags = rest;
  if (!read_meta_flags(response)) return invalid(response, "bad number in a meta line");
  return has_data ? read_data(bytes, response) : ParseResult::kDone;
}

// Everything after the first newline was found: `response` has line, bytes and header_bytes.
ParseResult read_line(std::string_view bytes, ReplyKind kind, std::size_t value_bytes_max,
                      Response& response) {
  if (read_error_line(response)) return ParseResult::kDone;
  switch (kind) {
    case ReplyKind::kLine:
      return read_single_line(response);
    case ReplyKind::kValues:
      return read_values_line(bytes, value_bytes_max, response);
    case ReplyKind::kMeta:
      return read_meta_line(bytes, value_bytes_max, response);
    case ReplyKind::kStats:
      return read_stats_line(response);
  }
  return invalid(response, "unknown kind of reply");
}

}  // namespace

ParseResult ResponseParser::parse(std::string_view bytes, ReplyKind kind, Response& response,
                                  std::size_t& consumed_bytes) const {
  response = Response{};
  consumed_bytes = 0;
  const std::string_view window = bytes.substr(0, kReplyLineBytesMax);
  const void* const newline =
      window.empty() ? nullptr : std::memchr(window.data(), '\n', window.size());
  if (newline == nullptr) {
    if (bytes.size() >= kReplyLineBytesMax) return invalid(response, "line too long");
    response.bytes_needed = bytes.size() + 1;
    return ParseResult::kNeedMore;
  }
  const auto line_bytes =
      static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data()) + 1;
  if (line_bytes < kCrlf.size() || bytes[line_bytes - 2] != '\r') {
    return invalid(response, "line without CR");
  }
  response.bytes = bytes.substr(0, line_bytes);
  response.line = bytes.substr(0, line_bytes - kCrlf.size());
  response.header_bytes = line_bytes;
  const ParseResult result = read_line(bytes, kind, value_bytes_max_, response);
  if (result == ParseResult::kDone) {
    consumed_bytes = response.bytes.size();
  } else {
    response.bytes = {};
  }
  return result;
}

}  // namespace ringcache::protocol
