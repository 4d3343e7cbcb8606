#include "protocol/command_line.h"

#include "protocol/limits.h"
#include "protocol/meta_line.h"
#include "protocol/number.h"
#include "protocol/response.h"
#include "protocol/words.h"

namespace ringcache::protocol {

namespace {

constexpr std::string_view kNoreply = "noreply";

void set_key(Request& request, std::string_view key) {
  request.key_storage[0] = key;
  request.key_count = 1;
}

void set_args(Request& request, const Words& words) {
  request.arg_count = words.count() - 1;
  for (std::size_t i = 0; i < request.arg_count; ++i) request.arg_storage[i] = words[i + 1];
}

// "<cmd> <key> <flags> <exptime> <bytes> [noreply]", and for cas one number before noreply. Any
// last word is taken; it means something only if it is "noreply".
ParseResult parse_storage(const Words& words, Request& request) {
  constexpr std::size_t kBytesWord = 4;
  const std::size_t needed = request.command == Command::kCas ? 6 : 5;
  // With any other number of words it is no storage command, and nothing follows it.
  if (words.count() != needed && words.count() != needed + 1) {
    return refuse(request, kErrorUnknownCommand);
  }
  const bool has_bytes = parse_value_bytes(words[kBytesWord], request.value_bytes);
  if (has_bytes) request.swallow_bytes = std::uint64_t{request.value_bytes} + kCrlf.size();
  request.quiet = words.last() == kNoreply;
  set_key(request, words[1]);
  if (words[1].size() > kKeyBytesMax || !parse_client_flags(words[2], request.client_flags) ||
      !parse_signed(words[3], request.exptime_s) || !has_bytes ||
      (needed == 6 && !parse_unsigned(words[5], request.cas_unique))) {
    return refuse(request, kErrorBadLineFormat);
  }
  request.has_exptime = true;
  request.swallow_bytes = 0;
  return ParseResult::kDone;
}

// "delete <key> [0] [noreply]": the zero is a hold time of long ago.
ParseResult parse_delete(const Words& words, Request& request) {
  if (words.count() < 2 || words.count() > 4) return refuse(request, kErrorUnknownCommand);
  if (words.count() > 2) {
    const bool zero = words[2] == "0";
    request.quiet = words.last() == kNoreply;
    const bool valid = words.count() == 3 ? zero || request.quiet : zero && request.quiet;
    if (!valid) return refuse(request, kErrorDeleteUsage);
  }
  if (words[1].size() > kKeyBytesMax) return refuse(request, kErrorBadLineFormat);
  set_key(request, words[1]);
  return ParseResult::kDone;
}

// "incr|decr <key> <delta> [noreply]" and "touch <key> <exptime> [noreply]".
ParseResult parse_key_and_number(const Words& words, Request& request) {
  if (words.count() != 3 && words.count() != 4) return refuse(request, kErrorUnknownCommand);
  request.quiet = words.last() == kNoreply;
  if (words[1].size() > kKeyBytesMax) return refuse(request, kErrorBadLineFormat);
  set_key(request, words[1]);
  if (request.command == Command::kTouch) {
    if (!parse_signed(words[2], request.exptime_s)) return refuse(request, kErrorBadExptime);
    request.has_exptime = true;
  } else if (!parse_unsigned(words[2], request.delta)) {
    return refuse(request, kErrorBadDelta);
  }
  return ParseResult::kDone;
}

// "flush_all [delay] [noreply]"
ParseResult parse_flush_all(const Words& words, Request& request) {
  if (words.count() > 3) return refuse(request, kErrorUnknownCommand);
  set_args(request, words);
  request.quiet = words.last() == kNoreply;
  if (words.count() == (request.quiet ? 2 : 1)) return ParseResult::kDone;
  if (!parse_signed(words[1], request.exptime_s)) return refuse(request, kErrorBadExptime);
  request.has_exptime = true;
  return ParseResult::kDone;
}

// "verbosity <level> [noreply]"
ParseResult parse_verbosity(const Words& words, Request& request) {
  if (words.count() != 2 && words.count() != 3) return refuse(request, kErrorUnknownCommand);
  set_args(request, words);
  request.quiet = words.last() == kNoreply;
  if (!parse_unsigned(words[1], request.delta)) return refuse(request, kErrorBadLineFormat);
  return ParseResult::kDone;
}

// "watch <class>*", "lru <order> ...", "slabs <order> ...", "cache_memlimit <MiB>", each with a
// [noreply]. The words are the server's to know; noreply is none of them, so it hides the error
// that it causes.
ParseResult parse_order(const Words& words, Request& request) {
  set_args(request, words);
  request.quiet = words.last() == kNoreply;
  return ParseResult::kDone;
}

// A word that names no command: ERROR, or for a browser at the wrong port a silent close. memcached
// looks at the first letter first, so a line that starts like a command is an ERROR all the same.
ParseResult refuse_unknown(const Words& words, Request& request) {
  const std::string_view word = words[0];
  const bool meta_like = word.size() == 2 && word[0] == 'm';
  const bool command_like = std::string_view("gsacidt").find(word[0]) != std::string_view::npos;
  if (!meta_like && !command_like && words.last().starts_with("HTTP/")) {
    request.close = true;
    return refuse(request, {});
  }
  return refuse(request, kErrorUnknownCommand);
}

}  // namespace

void reset(Request& request) {
  request.quiet = false;
  request.first_keys = true;
  request.more_keys = false;
  request.key_is_base64 = false;
  request.wire_key = {};
  request.line = {};
  request.value_bytes = 0;
  request.client_flags = 0;
  request.exptime_s = 0;
  request.has_exptime = false;
  request.cas_unique = 0;
  request.delta = 0;
  request.error = {};
  request.swallow_bytes = 0;
  request.close = false;
  request.key_count = 0;
  request.arg_count = 0;
}

ParseResult refuse(Request& request, std::string_view error) {
  request.error = error;
  return ParseResult::kInvalid;
}

ParseResult parse_command_line(std::string_view line, Request& request) {
  const Words words(line);
  if (words.count() == 0 || words[0].size() < 2) return refuse(request, kErrorUnknownCommand);
  const CommandSpec* const row = find_command(words[0]);
  if (row == nullptr) return refuse_unknown(words, request);
  request.command = row->command;
  switch (row->command) {
    case Command::kSet:
    case Command::kAdd:
    case Command::kReplace:
    case Command::kAppend:
    case Command::kPrepend:
    case Command::kCas:
      return parse_storage(words, request);
    case Command::kDelete:
      return parse_delete(words, request);
    case Command::kIncr:
    case Command::kDecr:
    case Command::kTouch:
      return parse_key_and_number(words, request);
    case Command::kMetaGet:
    case Command::kMetaSet:
    case Command::kMetaDelete:
    case Command::kMetaArithmetic:
    case Command::kMetaDebug:
      return parse_meta_line(words, request);
    case Command::kFlushAll:
      return parse_flush_all(words, request);
    case Command::kVerbosity:
      return parse_verbosity(words, request);
    case Command::kWatch:
    case Command::kLru:
    case Command::kSlabs:
    case Command::kCacheMemlimit:
      return parse_order(words, request);
    default:
      set_args(request, words);
      return ParseResult::kDone;
  }
}

}  // namespace ringcache::protocol
