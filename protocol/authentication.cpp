#include "protocol/authentication.h"

#include <algorithm>
#include <array>
#include <span>

#include "protocol/number.h"
#include "protocol/request_parser.h"
#include "protocol/response.h"

namespace ringcache::protocol {

namespace {

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
  return words[0] == "set" && parse_value_bytes(words[4], token_bytes);
}

// What belongs to a line that is no such set: its data block, as far as its length is known.
std::uint64_t block_bytes(std::string_view line) {
  RequestParser parser;
  Request request;
  std::size_t consumed_bytes = 0;
  const ParseResult result = parser.parse(line, request, consumed_bytes);
  if (result == ParseResult::kInvalid) return request.swallow_bytes;
  if (result != ParseResult::kDone || !spec(request.command).has_value) {
    return 0;
  }
  return std::uint64_t{request.value_bytes} + kCrlf.size();
}

}  // namespace

AuthClaim read_auth_claim(std::string_view bytes) {
  const auto only = [](const AuthStep& step) { return AuthClaim{step, {}, {}}; };
  const std::size_t line_bytes = bytes.find('\n');
  if (std::min(line_bytes, bytes.size()) > kAuthLineBytesMax) {
    return only({AuthVerdict::kClose, bytes.size(), ""});
  }
  if (line_bytes == std::string_view::npos) return only({});
  std::uint32_t token_bytes = 0;
  if (!parse_set(bytes.substr(0, line_bytes), token_bytes)) {
    return only({AuthVerdict::kMalformed, line_bytes + 1, kUnauthenticated,
                 block_bytes(bytes.substr(0, line_bytes + 1))});
  }
  if (token_bytes > kAuthTokenBytesMax) return only({AuthVerdict::kClose, bytes.size(), kBadToken});
  const std::string_view block = bytes.substr(line_bytes + 1);
  if (block.size() < token_bytes + 2) return only({});
  const std::size_t consumed = line_bytes + 1 + token_bytes + 2;
  if (block.substr(token_bytes, 2) != "\r\n") {
    return only({AuthVerdict::kMalformed, consumed, kBadTermination});
  }
  std::array<std::string_view, 2> words;
  split(block.substr(0, token_bytes), words);
  if (words[1].empty()) return only({AuthVerdict::kMalformed, consumed, kBadToken});
  return {{AuthVerdict::kGranted, consumed, kStored}, words[0], words[1]};
}

AuthStep refuse(const AuthClaim& claim) {
  return {AuthVerdict::kWrong, claim.step.consumed_bytes, kFailure};
}

}  // namespace ringcache::protocol
