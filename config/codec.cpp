#include "config/codec.h"

#include "config/reference.h"

namespace ringcache::config {

void DecodeContext::error(const JsonNode& value, std::string message, std::string hint) {
  diagnostics_->error(value.range, value.pointer(), std::move(message), std::move(hint));
}

void DecodeContext::key_error(const JsonNode& member, std::string message, std::string hint) {
  diagnostics_->error(member.key_range, member.pointer(), std::move(message), std::move(hint));
}

bool DecodeContext::type_error(const JsonNode& value, std::string_view expected, std::string hint) {
  std::string is(value.kind_name());
  if (value.is(JsonKind::kString)) is = in_quotes(value.text, 40);
  if (value.is(JsonKind::kNumber)) is = printable(value.text, 40);
  if (value.is(JsonKind::kBoolean)) is = value.boolean ? "true" : "false";
  error(value, "must be " + std::string(expected) + ", is " + is, std::move(hint));
  return false;
}

std::optional<std::string_view> DecodeContext::unknown_key(
    const JsonNode& member, std::span<const std::string_view> known_keys) {
  const std::optional<std::string_view> near = nearest_name(member.key, known_keys);
  const std::string home = home_of_key(member.key);
  std::string hint = suggestion(member.key, known_keys);
  if (!near && !home.empty()) hint = in_quotes(member.key) + " belongs " + home;
  key_error(member, "unknown key " + in_quotes(member.key), std::move(hint));
  return near;
}

}  // namespace ringcache::config
