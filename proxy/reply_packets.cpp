#include "proxy/reply_packets.h"

#include <algorithm>

#include "protocol/limits.h"
#include "protocol/number.h"
#include "protocol/response_parser.h"

namespace ringcache::proxy {

using protocol::BinaryCommand;
using protocol::BinaryStatus;
using protocol::ParseResult;
using protocol::Response;
using protocol::ResponseStatus;

namespace {

std::string_view up_to(const ReplyPackets::Scratch& scratch, const char* end) {
  return {scratch.data(), static_cast<std::size_t>(end - scratch.data())};
}

}  // namespace

void ReplyPackets::begin(const protocol::BinaryRequest& request) {
  answer_ = request.answer;
  wanted_ = true;
  key_.assign(answer_.returns_key ? request.key : std::string_view{});
}

void ReplyPackets::clear() {
  wanted_ = has_hit_ = false;
  value_left_ = 0;
  line_end_left_ = 0;
}

ReplyPackets::Piece ReplyPackets::take(protocol::Command command, std::string_view element,
                                       Scratch& scratch) {
  if (value_left_ + line_end_left_ > 0) return go_on(element);
  const protocol::ResponseParser parser(protocol::kValueBytesNameable);
  Response response;
  std::size_t consumed = 0;
  const ParseResult result =
      parser.parse(element, protocol::reply_kind(command), response, consumed);
  // The proxy has read it before, or written it itself.
  if (result == ParseResult::kInvalid) response.status = ResponseStatus::kServerError;
  const bool has_value =
      response.status == ResponseStatus::kValue || response.status == ResponseStatus::kMetaValue;
  if (!has_value && (response.status != ResponseStatus::kEnd || !has_hit_)) {
    return status(response, scratch);
  }
  if (!has_value) return {};
  const bool counts =
      answer_.command == BinaryCommand::kIncrement || answer_.command == BinaryCommand::kDecrement;
  return counts ? number(response, scratch) : begin_value(response, element, scratch);
}

ReplyPackets::Piece ReplyPackets::begin_value(const Response& response, std::string_view element,
                                              Scratch& scratch) {
  has_hit_ = true;
  const char* const end = protocol::write_binary_reply(scratch.data(), answer_,
                                                       {.cas = response.cas_unique,
                                                        .has_flags = true,
                                                        .client_flags = response.client_flags,
                                                        .key = key_,
                                                        .value_bytes = response.value_bytes});
  value_left_ = response.value_bytes;
  line_end_left_ = protocol::kCrlf.size();
  Piece piece = go_on(element.substr(response.header_bytes));
  piece.head = up_to(scratch, end);
  piece.skip_bytes = response.header_bytes;
  return piece;
}

ReplyPackets::Piece ReplyPackets::go_on(std::string_view part) {
  const std::string_view value = part.substr(0, value_left_);
  value_left_ -= value.size();
  line_end_left_ -= std::min(line_end_left_, part.size() - value.size());
  return {.head = {}, .skip_bytes = 0, .value = value};
}

ReplyPackets::Piece ReplyPackets::number(const Response& response, Scratch& scratch) const {
  if (answer_.hides(BinaryStatus::kSuccess)) return {};
  std::uint64_t value = 0;
  if (!protocol::parse_digits(response.value, value)) {
    Response wrong;
    wrong.status = ResponseStatus::kServerError;
    wrong.line = "SERVER_ERROR node answered no number";
    return status(wrong, scratch);
  }
  return {.head = up_to(scratch, protocol::write_binary_number(scratch.data(), answer_, value,
                                                               response.cas_unique))};
}

ReplyPackets::Piece ReplyPackets::status(const Response& response, Scratch& scratch) const {
  const BinaryStatus status = protocol::binary_status_of(answer_.command, response);
  if (answer_.hides(status)) return {};
  char* const at = scratch.data();
  const bool is_touch = answer_.command == BinaryCommand::kTouch;
  if (status == BinaryStatus::kSuccess && is_touch) {
    return {.head = up_to(scratch,
                          protocol::write_binary_reply(at, answer_,
                                                       {.cas = response.cas_unique,
                                                        .has_flags = true,
                                                        .client_flags = response.client_flags}))};
  }
  if (status == BinaryStatus::kNotFound && answer_.returns_key) {
    return {.head = up_to(scratch, protocol::write_binary_reply(at, answer_,
                                                                {.status = status, .key = key_}))};
  }
  std::string_view text = protocol::binary_text_of(status, response);
  constexpr std::string_view kVersion = "VERSION ";
  if (response.status == ResponseStatus::kVersion) {
    text = response.line.substr(std::min(kVersion.size(), response.line.size()));
    text = text.substr(0, protocol::kBinaryTextBytesMax);
  }
  return {.head = up_to(scratch, protocol::write_binary_text(at, answer_, status, text,
                                                             response.cas_unique))};
}

void ReplyPackets::write_stats(std::string_view lines, std::string& packets) const {
  constexpr std::string_view kStat = "STAT ";
  Scratch scratch;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\r'));
    const std::string_view whole = lines.substr(0, line.size() + protocol::kCrlf.size());
    lines.remove_prefix(whole.size());
    if (line.starts_with(kStat)) {
      const std::string_view row = line.substr(kStat.size());
      const std::size_t name_bytes = std::min(row.find(' '), row.size());
      append_stat(row.substr(0, name_bytes), row.substr(std::min(row.size(), name_bytes + 1)),
                  packets);
    } else if (lines.empty()) {
      const protocol::ResponseParser parser(0);
      Response response;
      std::size_t consumed = 0;
      parser.parse(whole, protocol::ReplyKind::kStats, response, consumed);
      if (!protocol::is_error(response.status)) return append_stat({}, {}, packets);
      packets.append(status(response, scratch).head);
    }
  }
}

void ReplyPackets::append_stat(std::string_view name, std::string_view value,
                               std::string& packets) const {
  if (name.size() > protocol::kKeyBytesMax) return;
  Scratch scratch;
  packets.append(
      up_to(scratch, protocol::write_binary_reply(scratch.data(), answer_,
                                                  {.key = name, .value_bytes = value.size()})));
  packets.append(value);
}

}  // namespace ringcache::proxy
