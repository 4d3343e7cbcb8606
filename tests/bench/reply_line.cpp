#include "tests/bench/reply_line.h"

#include <charconv>

namespace ringcache::bench {
namespace {

// Cuts the next space-separated word off the front of `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

bool to_number(std::string_view word, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
}

// VALUE <key> <flags> <bytes> [<cas>]
ReplyLine parse_text_value(std::string_view rest) {
  ReplyLine line;
  line.key = take_word(rest);
  const std::string_view flags = take_word(rest);
  const std::string_view bytes = take_word(rest);
  if (!line.key.empty() && to_number(flags, line.client_flags) &&
      to_number(bytes, line.value_bytes)) {
    line.kind = ReplyKind::kValue;
  }
  return line;
}

// VA <bytes> <flag>*, of which k<key> and f<client flags> are looked at.
ReplyLine parse_meta_value(std::string_view rest) {
  ReplyLine line;
  bool good = to_number(take_word(rest), line.value_bytes);
  while (!rest.empty()) {
    const std::string_view flag = take_word(rest);
    if (flag.starts_with('k')) line.key = flag.substr(1);
    if (flag.starts_with('f')) good = good && to_number(flag.substr(1), line.client_flags);
  }
  if (good) line.kind = ReplyKind::kValue;
  return line;
}

ReplyLine plain(ReplyKind kind) {
  ReplyLine line;
  line.kind = kind;
  return line;
}

}  // namespace

ReplyLine parse_reply_line(std::string_view line) {
  if (line.starts_with("VALUE ")) return parse_text_value(line.substr(6));
  if (line.starts_with("VA ")) return parse_meta_value(line.substr(3));
  if (line == "END") return plain(ReplyKind::kEnd);
  if (line == "STORED") return plain(ReplyKind::kStored);
  if (line == "EN" || line.starts_with("EN ")) return plain(ReplyKind::kMiss);
  if (line == "HD" || line.starts_with("HD ")) return plain(ReplyKind::kStored);
  if (line == "MN") return plain(ReplyKind::kNoop);
  if (line == "NOT_STORED") return plain(ReplyKind::kNotStored);
  if (line == "NS" || line.starts_with("NS ")) return plain(ReplyKind::kNotStored);
  if (line.starts_with("VERSION ")) return plain(ReplyKind::kVersion);
  if (line == "ERROR" || line.starts_with("SERVER_ERROR") || line.starts_with("CLIENT_ERROR")) {
    return plain(ReplyKind::kServerError);
  }
  return ReplyLine{};
}

}  // namespace ringcache::bench
