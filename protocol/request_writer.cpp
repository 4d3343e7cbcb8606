#include "protocol/request_writer.h"

#include <algorithm>
#include <span>

#include "protocol/append.h"
#include "protocol/limits.h"
#include "protocol/number.h"
#include "protocol/response.h"

namespace ringcache::protocol {

namespace {

// Flags, exptime, bytes, cas: the most numbers a line has, each with its space.
constexpr std::size_t kNumbersBytesMax = 4 * (1 + kNumberTextBytesMax);
// The longest name, and CRLF.
constexpr std::size_t kFrameBytesMax = [] {
  std::size_t longest = 0;
  for (const CommandSpec& row : kCommandTable) longest = std::max(longest, row.name.size());
  return longest + kCrlf.size();
}();

template <typename Number>
char* append_number(char* out, Number number) {
  return format_number(append(out, ' '), number);
}

char* append_word(char* out, std::string_view word) {
  return append(append(out, ' '), word);
}

char* append_storage(char* out, const Request& request) {
  out = append_word(out, request.key());
  out = append_number(out, std::uint64_t{request.client_flags});
  out = append_number(out, request.exptime_s);
  out = append_number(out, std::uint64_t{request.value_bytes});
  return request.command == Command::kCas ? append_number(out, request.cas_unique) : out;
}

char* append_meta(char* out, const Request& request) {
  out = append_word(out, request.wire_key);
  if (request.command == Command::kMetaSet) {
    out = append_number(out, std::uint64_t{request.value_bytes});
  }
  if (request.command == Command::kMetaDebug) {
    return request.key_is_base64 ? append_word(out, "b") : out;
  }
  for (const std::string_view token : request.meta.tokens()) {
    if (token[0] != 'q') out = append_word(out, token);
  }
  return out;
}

std::size_t words_bytes(std::span<const std::string_view> words) {
  std::size_t bytes = 0;
  for (const std::string_view word : words) bytes += 1 + word.size();
  return bytes;
}

// The words of an order. One more noreply before the last would make what is written quiet again.
std::span<const std::string_view> without_noreply(const Request& request) {
  auto words = request.args();
  while (request.quiet && !words.empty() && words.back() == "noreply") {
    words = words.first(words.size() - 1);
  }
  return words;
}

}  // namespace

std::size_t request_line_bytes_max(const Request& request) {
  const CommandSpec& row = spec(request.command);
  std::size_t bytes = kFrameBytesMax + kNumbersBytesMax + words_bytes(request.args());
  if (!row.meta) return bytes + words_bytes(request.keys());
  if (request.command == Command::kMetaDebug) return bytes + 1 + request.wire_key.size() + 2;
  return bytes + 1 + request.wire_key.size() + words_bytes(request.meta.tokens());
}

char* write_request_line(char* out, const Request& request) {
  out = append(out, name(request.command));
  switch (request.command) {
    case Command::kSet:
    case Command::kAdd:
    case Command::kReplace:
    case Command::kAppend:
    case Command::kPrepend:
    case Command::kCas:
      out = append_storage(out, request);
      break;
    case Command::kDelete:
      out = append_word(out, request.key());
      break;
    case Command::kIncr:
    case Command::kDecr:
      out = append_number(append_word(out, request.key()), request.delta);
      break;
    case Command::kTouch:
      out = append_number(append_word(out, request.key()), request.exptime_s);
      break;
    case Command::kGat:
    case Command::kGats:
      out = append_number(out, request.exptime_s);
      [[fallthrough]];
    case Command::kGet:
    case Command::kGets:
      for (const std::string_view key : request.keys()) out = append_word(out, key);
      break;
    case Command::kMetaGet:
    case Command::kMetaSet:
    case Command::kMetaDelete:
    case Command::kMetaArithmetic:
    case Command::kMetaDebug:
      out = append_meta(out, request);
      break;
    case Command::kFlushAll:
      if (request.has_exptime) out = append_number(out, request.exptime_s);
      break;
    case Command::kVerbosity:
      out = append_number(out, request.delta);
      break;
    case Command::kStats:
    case Command::kWatch:
    case Command::kLru:
    case Command::kLruCrawler:
    case Command::kSlabs:
    case Command::kCacheMemlimit:
    case Command::kShutdown:
      for (const std::string_view arg : without_noreply(request)) out = append_word(out, arg);
      break;
    case Command::kMetaNoop:
    case Command::kVersion:
    case Command::kRefreshCerts:
    case Command::kQuit:
      break;
  }
  return append(out, kCrlf);
}

std::size_t multiget_bytes_max(std::span<const std::string_view> keys) {
  return kFrameBytesMax + 1 + kNumberTextBytesMax + words_bytes(keys);
}

char* write_multiget(char* out, Command command, std::int64_t exptime_s,
                     std::span<const std::string_view> keys) {
  out = append(out, name(command));
  if (command == Command::kGat || command == Command::kGats) out = append_number(out, exptime_s);
  for (const std::string_view key : keys) out = append_word(out, key);
  return append(out, kCrlf);
}

}  // namespace ringcache::protocol
