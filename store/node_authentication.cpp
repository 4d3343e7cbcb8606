#include "store/node_authentication.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace ringcache::store {

namespace {

constexpr std::string_view kStored = "STORED\r\n";
constexpr std::string_view kUnauthenticated = "CLIENT_ERROR unauthenticated\r\n";
constexpr std::string_view kFailure = "CLIENT_ERROR authentication failure\r\n";
constexpr std::string_view kBadToken = "CLIENT_ERROR bad authentication token format\r\n";
constexpr std::string_view kBadTermination = "CLIENT_ERROR bad command line termination\r\n";

// The first words of `text`, apart by spaces; those that are not there are empty. A zero byte ends
// the text, as in memcached.
void split(std::string_view text, std::span<std::string_view> words) {
  text = text.substr(0, text.find('\0'));
  for (std::string_view& word : words) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
  }
}

// The <bytes> of the line, or false when it is not a set.
bool parse_set(std::string_view line, std::uint32_t& token_bytes) {
  std::array<std::string_view, 5> words;
  if (line.ends_with('\r')) line.remove_suffix(1);
  split(line, words);
  if (words[0] != "set" || words[4].empty()) return false;
  const char* const end = words[4].data() + words[4].size();
  const auto [parsed, error] = std::from_chars(words[4].data(), end, token_bytes);
  return error == std::errc{} && parsed == end;
}

}  // namespace

AuthStep authenticate(std::string_view bytes, const Credentials& credentials) {
  const std::size_t line_bytes = bytes.find('\n');
  if (std::min(line_bytes, bytes.size()) > kAuthLineBytesMax) {
    return {AuthVerdict::kClose, bytes.size(), ""};
  }
  if (line_bytes == std::string_view::npos) return {};
  std::uint32_t token_bytes = 0;
  if (!parse_set(bytes.substr(0, line_bytes), token_bytes)) {
    return {AuthVerdict::kMalformed, line_bytes + 1, kUnauthenticated};
  }
  if (token_bytes > kAuthTokenBytesMax) return {AuthVerdict::kClose, bytes.size(), kBadToken};
  const std::string_view block = bytes.substr(line_bytes + 1);
  if (block.size() < token_bytes + 2) return {};
  const std::size_t consumed = line_bytes + 1 + token_bytes + 2;
  if (block.substr(token_bytes, 2) != "\r\n") {
    return {AuthVerdict::kMalformed, consumed, kBadTermination};
  }
  std::array<std::string_view, 2> words;
  split(block.substr(0, token_bytes), words);
  if (words[1].empty()) return {AuthVerdict::kMalformed, consumed, kBadToken};
  if (!credentials.match(words[0], words[1])) return {AuthVerdict::kWrong, consumed, kFailure};
  return {AuthVerdict::kGranted, consumed, kStored};
}

}  // namespace ringcache::store
