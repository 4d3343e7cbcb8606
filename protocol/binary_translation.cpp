#include "protocol/binary_translation.h"

#include <algorithm>
#include <cstdint>

#include "protocol/append.h"
#include "protocol/base64.h"
#include "protocol/number.h"

namespace ringcache::protocol {

namespace {

// What the meta flag T takes at most; a later Unix time is as good as this one.
constexpr std::uint32_t kExptimeMax = 0x7fffffff;

char* append_flag(char* out, char letter, std::uint64_t number) {
  out = append(append(out, ' '), letter);
  return format_number(out, number);
}

char* append_expiry(char* out, char letter, std::uint32_t exptime_s) {
  return append_flag(out, letter, std::min(exptime_s, kExptimeMax));
}

bool has_good_length(std::string_view key) {
  return is_text_key(key) || base64_encoded_bytes(key.size()) <= kKeyBytesMax;
}

// "<command> <key>" of a meta command; `middle` is what comes between the key and its flag b.
char* append_key(char* out, std::string_view key) {
  return is_text_key(key) ? append(out, key) : base64_encode(out, key);
}
char* append_key_flag(char* out, std::string_view key) {
  return is_text_key(key) ? out : append(out, " b");
}
char* begin_meta(char* out, std::string_view command, std::string_view key) {
  return append_key_flag(append_key(append(out, command), key), key);
}

char* write_get(char* out, const BinaryRequest& request) {
  const bool is_touch = request.answer.command == BinaryCommand::kTouch;
  if (!is_touch && !request.touches && is_text_key(request.key)) {
    return append(append(out, "gets "), request.key);
  }
  out = append(begin_meta(out, "mg ", request.key), is_touch ? " f c" : " f c v");
  return is_touch || request.touches ? append_expiry(out, 'T', request.exptime_s) : out;
}

// With a CAS number set, add and replace are all `cas`.
char* append_mode(char* out, const BinaryRequest& request) {
  const bool compares = request.cas != 0;
  switch (request.answer.command) {
    case BinaryCommand::kAdd:
      return compares ? out : append(out, " ME");
    case BinaryCommand::kReplace:
      return compares ? out : append(out, " MR");
    case BinaryCommand::kAppend:
      return append(out, " MA");
    case BinaryCommand::kPrepend:
      return append(out, " MP");
    default:
      return out;
  }
}

char* append_compare(char* out, const BinaryRequest& request) {
  return request.cas != 0 ? append_flag(out, 'C', request.cas) : out;
}

char* write_store(char* out, const BinaryRequest& request) {
  out = append(append_key(append(out, "ms "), request.key), ' ');
  out = format_number(out, std::uint64_t{request.value_bytes});
  out = append(append_key_flag(out, request.key), " c");
  out = append_flag(out, 'F', request.client_flags);
  out = append_expiry(out, 'T', request.exptime_s);
  return append_mode(append_compare(out, request), request);
}

char* write_number(char* out, const BinaryRequest& request) {
  const bool decrements = request.answer.command == BinaryCommand::kDecrement;
  out = append(begin_meta(out, "ma ", request.key), decrements ? " v c MD" : " v c MI");
  out = append_flag(out, 'D', request.delta);
  if (request.creates()) {
    out = append_flag(append_expiry(out, 'N', request.exptime_s), 'J', request.initial);
  }
  return append_compare(out, request);
}

// memcached's topics are words of letters.
bool is_topic(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || is_text_key(std::string_view(&c, 1)); });
}

char* write_stat(char* out, const BinaryRequest& request) {
  out = append(out, "stats");
  return request.key.empty() ? out : append(append(out, ' '), request.key);
}

char* write_words(char* out, const BinaryRequest& request) {
  switch (request.answer.command) {
    case BinaryCommand::kGet:
    case BinaryCommand::kTouch:
      return write_get(out, request);
    case BinaryCommand::kDelete:
      return append_compare(begin_meta(out, "md ", request.key), request);
    case BinaryCommand::kIncrement:
    case BinaryCommand::kDecrement:
      return write_number(out, request);
    case BinaryCommand::kFlush:
      out = append(out, "flush_all");
      if (request.exptime_s == 0) return out;
      return format_number(append(out, ' '),
                           std::uint64_t{std::min(request.exptime_s, kExptimeMax)});
    case BinaryCommand::kVersion:
      return append(out, "version");
    case BinaryCommand::kStat:
      return write_stat(out, request);
    case BinaryCommand::kVerbosity:
      return format_number(append(out, "verbosity "), request.delta);
    case BinaryCommand::kNoop:
    case BinaryCommand::kQuit:  // answered in its place, as a noop; who reads it closes
      return append(out, "mn");
    default:
      return write_store(out, request);
  }
}

BinaryStatus status_of_error(BinaryCommand command, const Response& response) {
  if (response.line.starts_with(kErrorTooLarge)) return BinaryStatus::kTooLarge;
  if (response.line.starts_with(kErrorOutOfMemory)) return BinaryStatus::kOutOfMemory;
  if (response.line.starts_with(kErrorNonNumeric)) return BinaryStatus::kNonNumeric;
  if (response.status == ResponseStatus::kServerError) return BinaryStatus::kTemporaryFailure;
  if (command == BinaryCommand::kStat) return BinaryStatus::kNotFound;  // no such topic
  return response.status == ResponseStatus::kError ? BinaryStatus::kUnknownCommand
                                                   : BinaryStatus::kInvalidArguments;
}

// memcached: the reason that the command has for not storing.
BinaryStatus status_of_not_stored(BinaryCommand command) {
  if (command == BinaryCommand::kAdd) return BinaryStatus::kExists;
  return command == BinaryCommand::kReplace ? BinaryStatus::kNotFound : BinaryStatus::kNotStored;
}

}  // namespace

bool is_text_key(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != 0x7f;
  });
}

char* write_as_text(char* out, const BinaryRequest& request) {
  const bool is_stat = request.answer.command == BinaryCommand::kStat;
  if (is_stat ? !is_topic(request.key) : !has_good_length(request.key)) return nullptr;
  return append(write_words(out, request), kCrlf);
}

BinaryStatus binary_status_of(BinaryCommand command, const Response& response) {
  if (is_error(response.status)) return status_of_error(command, response);
  switch (response.status) {
    case ResponseStatus::kEnd:
    case ResponseStatus::kMetaMiss:
    case ResponseStatus::kNotFound:
    case ResponseStatus::kMetaNotFound:
      return BinaryStatus::kNotFound;
    case ResponseStatus::kExists:
    case ResponseStatus::kMetaExists:
      return BinaryStatus::kExists;
    case ResponseStatus::kNotStored:
    case ResponseStatus::kMetaNotStored:
      return status_of_not_stored(command);
    default:
      return BinaryStatus::kSuccess;
  }
}

std::string_view binary_text_of(BinaryStatus status, const Response& response) {
  if (status != BinaryStatus::kTemporaryFailure) return binary_status_text(status);
  return response.line.substr(0, kBinaryTextBytesMax);
}

}  // namespace ringcache::protocol
