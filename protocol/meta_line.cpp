#include "protocol/meta_line.h"

#include "protocol/base64.h"
#include "protocol/command_line.h"
#include "protocol/limits.h"
#include "protocol/number.h"
#include "protocol/response.h"

namespace ringcache::protocol {

namespace {

constexpr std::uint64_t letter_bit(char letter) {
  return std::uint64_t{1} << (letter & 63);
}

void clear(MetaFlags& flags) {
  flags.opaque = {};
  flags.ttl_s = 0;
  flags.vivify_ttl_s = 0;
  flags.recache_ttl_s = 0;
  flags.client_flags = 0;
  flags.compare_cas = 0;
  flags.explicit_cas = 0;
  flags.delta = 1;
  flags.initial = 0;
  flags.mode = 0;
  flags.present = 0;
  flags.count = 0;
}

// Decodes wire_key, which keys()[0] becomes. False if it is no base64.
bool decode_key(Request& request) {
  const std::size_t bytes = base64_decode(request.decoded_key.data(), request.wire_key);
  request.key_storage[0] = {request.decoded_key.data(), bytes};
  request.key_is_base64 = true;
  return bytes > 0;
}

// What became of one flag. A bad argument does not end the scan, an unknown flag does: of several
// bad arguments the last is answered, as in memcached.
enum class FlagResult { kGood, kBadArgument, kUnknown };

FlagResult read_flag(Request& request, std::string_view token, std::string_view& error) {
  MetaFlags& flags = request.meta;
  const std::string_view argument = token.substr(1);
  const auto checked = [&error](bool good, std::string_view text) {
    if (good) return FlagResult::kGood;
    if (!text.empty()) error = text;
    return FlagResult::kBadArgument;
  };
  switch (token[0]) {
    case 'b':
      return checked(decode_key(request), kErrorKeyDecoding);
    case 'N':
      return checked(parse_signed(argument, flags.vivify_ttl_s), kErrorBadToken);
    case 'T':
      return checked(parse_signed(argument, flags.ttl_s), kErrorBadToken);
    case 'R':
      return checked(parse_signed(argument, flags.recache_ttl_s), kErrorBadToken);
    case 'C':
      return checked(parse_unsigned(argument, flags.compare_cas), kErrorBadToken);
    case 'E':
      return checked(parse_unsigned(argument, flags.explicit_cas), kErrorBadToken);
    case 'J':
      return checked(parse_unsigned(argument, flags.initial), kErrorBadInitial);
    case 'D':
      return checked(parse_unsigned(argument, flags.delta), kErrorBadMetaDelta);
    // memcached forgets to say what is wrong with F: the text of the mistake before it stands.
    case 'F':
      return checked(parse_client_flags(argument, flags.client_flags), {});
    case 'M':
      if (argument.size() == 1) flags.mode = argument[0];
      return checked(argument.size() == 1, kErrorModeLength);
    case 'O':
      flags.opaque = argument;
      return FlagResult::kGood;
    case 'P':
    case 'L':
    case 'I':
    case 'k':
    case 's':
    case 't':
    case 'c':
    case 'f':
    case 'v':
    case 'h':
    case 'l':
    case 'u':
    case 'q':
    case 'x':
      return FlagResult::kGood;
    default:
      error = kErrorInvalidFlag;
      return FlagResult::kUnknown;
  }
}

// The flags from words[first] on. Returns the error text, or an empty one.
std::string_view read_flags(const Words& words, std::size_t first, Request& request) {
  MetaFlags& flags = request.meta;
  std::string_view error = kErrorBadLineFormat;
  bool good = true;
  for (std::size_t i = first; i < words.count(); ++i) {
    const char letter = words[i][0];
    // memcached calls everything from 127 up a duplicate.
    if (static_cast<unsigned char>(letter) >= 127) return kErrorDuplicateFlag;
    const bool is_letter = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
    if (!is_letter) return kErrorInvalidFlag;
    if (flags.has(letter)) return kErrorDuplicateFlag;
    const FlagResult result = read_flag(request, words[i], error);
    if (result == FlagResult::kUnknown) return error;
    good = good && result == FlagResult::kGood;
    flags.present |= letter_bit(letter);
    flags.letter_storage[flags.count] = letter;
    flags.token_storage[flags.count] = words[i];
    ++flags.count;
  }
  return good ? std::string_view{} : error;
}

bool mode_is_one_of(const MetaFlags& flags, std::string_view modes) {
  return flags.mode == 0 || modes.find(flags.mode) != std::string_view::npos;
}

// Of an opaque and a mode that are both wrong, memcached names the mode.
std::string_view check_mode_and_opaque(const Request& request) {
  const MetaFlags& flags = request.meta;
  if (request.command == Command::kMetaSet && !mode_is_one_of(flags, "EAPRS")) {
    return kErrorSetMode;
  }
  if (request.command == Command::kMetaArithmetic && !mode_is_one_of(flags, "I+D-")) {
    return kErrorArithmeticMode;
  }
  return flags.opaque.size() > kOpaqueBytesMax ? kErrorOpaqueTooLong : std::string_view{};
}

// "me <key> [b]"; other words are ignored.
ParseResult parse_debug(const Words& words, Request& request) {
  if (words.count() < 2 || words[1].size() > kKeyBytesMax) {
    return refuse(request, kErrorBadLineFormat);
  }
  request.wire_key = request.key_storage[0] = words[1];
  request.key_count = 1;
  if (words.count() > 2 && words[2] == "b" && !decode_key(request)) {
    return refuse(request, kErrorBadLineFormat);
  }
  return ParseResult::kDone;
}

void fill_common_fields(Request& request) {
  const MetaFlags& flags = request.meta;
  request.quiet = flags.has('q');
  request.client_flags = flags.client_flags;
  request.exptime_s = flags.ttl_s;
  request.has_exptime = flags.has('T');
  request.cas_unique = flags.compare_cas;
  request.delta = flags.delta;
}

}  // namespace

ParseResult parse_meta_line(const Words& words, Request& request) {
  clear(request.meta);
  if (request.command == Command::kMetaDebug) return parse_debug(words, request);
  if (words.count() < 2) return refuse(request, kErrorUnknownCommand);

  const bool has_data = request.command == Command::kMetaSet;
  const bool has_bytes =
      has_data && words.count() > 2 && parse_value_bytes(words[2], request.value_bytes);
  if (has_bytes) request.swallow_bytes = std::uint64_t{request.value_bytes} + kCrlf.size();

  if (words[1].size() > kKeyBytesMax) return refuse(request, kErrorBadLineFormat);
  if (has_data && words.count() == 2) return refuse(request, kErrorBadLineFormat);
  if (words.count() > kMetaWordsMax) {
    return refuse(request,
                  request.command == Command::kMetaGet ? kErrorManyGetFlags : kErrorManyFlags);
  }
  if (has_data && !has_bytes) return refuse(request, kErrorBadLineFormat);

  request.wire_key = request.key_storage[0] = words[1];
  request.key_count = 1;
  if (const std::string_view error = read_flags(words, has_data ? 3 : 2, request); !error.empty()) {
    const bool vague =
        request.command == Command::kMetaDelete || request.command == Command::kMetaArithmetic;
    return refuse(request, vague ? kErrorInvalidOrDuplicateFlag : error);
  }
  if (const std::string_view error = check_mode_and_opaque(request); !error.empty()) {
    return refuse(request, error);
  }
  fill_common_fields(request);
  request.swallow_bytes = 0;
  return ParseResult::kDone;
}

}  // namespace ringcache::protocol
