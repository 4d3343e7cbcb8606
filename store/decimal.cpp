#include "store/decimal.h"

#include <charconv>

namespace ringcache::store {
namespace {

// isspace(3) in the C locale.
bool is_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  if (end != text.data() + text.size() && !is_space(*end)) return std::nullopt;
  // strtoull negates; memcached refuses a result that then looks negative, so -0 is a number.
  if (negative && value != 0) return std::nullopt;
  return value;
}

}  // namespace ringcache::store
