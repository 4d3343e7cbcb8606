#include "protocol/request_parser.h"

#include <algorithm>
#include <cstring>

#include "protocol/command_line.h"
#include "protocol/limits.h"
#include "protocol/number.h"
#include "protocol/response.h"

namespace ringcache::protocol {

namespace {

constexpr std::size_t kNone = std::string_view::npos;

std::size_t find_byte(std::string_view bytes, char c) {
  const void* at = bytes.empty() ? nullptr : std::memchr(bytes.data(), c, bytes.size());
  return at == nullptr ? kNone
                       : static_cast<std::size_t>(static_cast<const char*>(at) - bytes.data());
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  return at;
}

// End of the word that starts at `at`.
std::size_t word_end(std::string_view text, std::size_t at) {
  const std::size_t space = find_byte(text.substr(at), ' ');
  return space == kNone ? text.size() : at + space;
}

bool is_retrieval(std::string_view word, Command& command) {
  if (word.size() < 3 || word[0] != 'g') return false;
  const CommandSpec* const row = find_command(word);
  if (row == nullptr || !row->multi_key) return false;
  command = row->command;
  return true;
}

bool takes_exptime(Command command) {
  return command == Command::kGat || command == Command::kGats;
}

// The text of a line: without the '\r' before its newline (not if that is all there is) and cut at
// a NUL, both as in memcached.
std::string_view line_text(std::string_view bytes, std::size_t newline) {
  std::string_view text = bytes.substr(0, newline);
  if (text.size() > 1 && text.back() == '\r') text.remove_suffix(1);
  const std::size_t nul = find_byte(text, '\0');
  return nul == kNone ? text : text.substr(0, nul);
}

bool has_long_word(std::string_view text, std::size_t at) {
  for (at = skip_spaces(text, at); at < text.size(); at = skip_spaces(text, at)) {
    const std::size_t end = word_end(text, at);
    if (end - at > kKeyBytesMax) return true;
    at = end;
  }
  return false;
}

}  // namespace

ParseResult RequestParser::parse(std::string_view bytes, Request& request,
                                 std::size_t& consumed_bytes) {
  std::size_t skipped_bytes = 0;
  if (state_ == State::kSkipLine || state_ == State::kKeysEnd) {
    const std::size_t newline = find_byte(bytes, '\n');
    if (newline == kNone) {
      consumed_bytes = bytes.size();
      return ParseResult::kNeedMore;
    }
    skipped_bytes = newline + 1;
    const bool keys_were_cut = state_ == State::kKeysEnd;
    state_ = State::kLineStart;
    if (keys_were_cut) {
      consumed_bytes = skipped_bytes;
      reset(request);
      return deliver_keys(true, request);
    }
  }
  const std::string_view rest = bytes.substr(skipped_bytes);
  consumed_bytes = 0;
  const ParseResult result = state_ == State::kKeys ? continue_keys(rest, request, consumed_bytes)
                                                    : parse_line(rest, request, consumed_bytes);
  consumed_bytes += skipped_bytes;
  return result;
}

ParseResult RequestParser::parse_line(std::string_view bytes, Request& request,
                                      std::size_t& consumed_bytes) {
  if (bytes.empty()) return ParseResult::kNeedMore;
  if (first_line_ && static_cast<unsigned char>(bytes[0]) == kBinaryProtocolMagic) {
    reset(request);
    consumed_bytes = bytes.size();
    request.close = true;
    return refuse(request, {});
  }
  const std::size_t newline = find_byte(bytes.substr(0, kCommandLineBytesMax + 1), '\n');
  if (newline == kNone) {
    if (bytes.size() <= kCommandLineBytesMax) return ParseResult::kNeedMore;
    return start_long_line(bytes, request, consumed_bytes);
  }
  first_line_ = false;
  reset(request);
  consumed_bytes = newline + 1;
  const std::string_view text = line_text(bytes, newline);
  request.line = text;

  const std::size_t word_at = skip_spaces(text, 0);
  const std::size_t keys_at = word_end(text, word_at);
  if (is_retrieval(text.substr(word_at, keys_at - word_at), request.command)) {
    return parse_retrieval(text, keys_at, request, consumed_bytes);
  }
  return parse_command_line(text, request);
}

ParseResult RequestParser::parse_retrieval(std::string_view text, std::size_t keys_at,
                                           Request& request, std::size_t& consumed_bytes) {
  std::size_t at = skip_spaces(text, keys_at);
  if (at == text.size()) return refuse(request, kErrorUnknownCommand);
  if (takes_exptime(request.command)) {
    const std::size_t end = word_end(text, at);
    if (!parse_signed(text.substr(at, end - at), request.exptime_s)) {
      return refuse(request, kErrorBadExptime);
    }
    request.has_exptime = true;
    at = skip_spaces(text, end);
  }
  while (at < text.size()) {
    if (request.key_count == keys_max_) {
      // A bad key anywhere in the line refuses all of it, before the first part is delivered.
      if (has_long_word(text, at)) return refuse(request, kErrorBadLineFormat);
      state_ = State::kKeys;
      command_ = request.command;
      exptime_s_ = request.exptime_s;
      first_keys_ = true;
      consumed_bytes = at;
      return deliver_keys(false, request);
    }
    const std::size_t end = word_end(text, at);
    if (end - at > kKeyBytesMax) return refuse(request, kErrorBadLineFormat);
    request.key_storage[request.key_count++] = text.substr(at, end - at);
    at = skip_spaces(text, end);
  }
  return ParseResult::kDone;
}

ParseResult RequestParser::start_long_line(std::string_view bytes, Request& request,
                                           std::size_t& consumed_bytes) {
  first_line_ = false;
  reset(request);
  // Only what every split of the input has seen by now may decide.
  const std::string_view seen = bytes.substr(0, kCommandLineBytesMax + 1);
  const std::size_t word_at = skip_spaces(seen, 0);
  std::size_t at = word_end(seen, word_at);
  if (word_at > kLeadingSpacesMax || at == seen.size() ||
      !is_retrieval(seen.substr(word_at, at - word_at), command_)) {
    consumed_bytes = bytes.size();
    request.close = true;
    return refuse(request, {});
  }
  request.command = command_;
  exptime_s_ = 0;
  first_keys_ = true;
  if (takes_exptime(command_)) {
    const std::size_t exptime_at = skip_spaces(seen, at);
    at = word_end(seen, exptime_at);
    if (at == seen.size()) {  // unfinished, or not there at all
      consumed_bytes = bytes.size();
      request.close = true;
      return refuse(request, {});
    }
    if (!parse_signed(seen.substr(exptime_at, at - exptime_at), exptime_s_)) {
      state_ = State::kSkipLine;
      consumed_bytes = at;
      return refuse(request, kErrorBadExptime);
    }
  }
  state_ = State::kKeys;
  const ParseResult result = continue_keys(bytes.substr(at), request, consumed_bytes);
  consumed_bytes += at;
  return result;
}

ParseResult RequestParser::continue_keys(std::string_view bytes, Request& request,
                                         std::size_t& consumed_bytes) {
  // A key, the '\r' that may end the line after it, and what ends the word.
  constexpr std::size_t kWindow = kKeyBytesMax + 2;
  reset(request);
  request.command = command_;
  for (std::size_t at = skip_spaces(bytes, 0);; at = skip_spaces(bytes, at)) {
    consumed_bytes = at;
    const std::string_view window = bytes.substr(at, kWindow);
    const auto stop = std::find_if(window.begin(), window.end(),
                                   [](char c) { return c == ' ' || c == '\n' || c == '\0'; });
    const bool stopped = stop != window.end();
    std::string_view word(window.begin(), stop);
    if (!stopped && window.size() < kWindow) {  // unfinished: it stays for the next call
      return request.key_count > 0 ? deliver_keys(false, request) : ParseResult::kNeedMore;
    }
    const std::size_t end = at + word.size();
    const bool at_newline = stopped && *stop == '\n';
    if (at_newline && !word.empty() && word.back() == '\r') word.remove_suffix(1);
    if (word.size() > kKeyBytesMax) {
      if (request.key_count > 0) return deliver_keys(false, request);
      state_ = State::kSkipLine;
      consumed_bytes = end;
      request.first_keys = first_keys_;
      return refuse(request, kErrorBadLineFormat);
    }
    if (!word.empty() && request.key_count == keys_max_) {
      return deliver_keys(false, request);
    }
    if (!word.empty()) request.key_storage[request.key_count++] = word;
    if (at_newline || *stop == '\0') {
      consumed_bytes = end + 1;
      state_ = at_newline ? State::kLineStart : State::kKeysEnd;
      if (at_newline || request.key_count > 0) return deliver_keys(at_newline, request);
      // Only the newline can tell whether a multiget without any key is over.
      std::size_t more_bytes = 0;
      const ParseResult result = parse(bytes.substr(end + 1), request, more_bytes);
      consumed_bytes += more_bytes;
      return result;
    }
    at = end;
  }
}

ParseResult RequestParser::deliver_keys(bool at_newline, Request& request) {
  request.command = command_;
  request.first_keys = first_keys_;
  request.more_keys = !at_newline;
  request.exptime_s = exptime_s_;
  request.has_exptime = takes_exptime(command_);
  request.line = {};
  // "get" with spaces only, too long for one line.
  if (first_keys_ && request.key_count == 0 && !request.has_exptime) {
    return refuse(request, kErrorUnknownCommand);
  }
  first_keys_ = false;
  return ParseResult::kDone;
}

}  // namespace ringcache::protocol
