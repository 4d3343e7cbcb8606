// Codecs of single values: counts, flags, durations, sizes, names out of a list, checked texts.
//
// Durations are strings of a whole number and a unit, ms, s, m or h: "250ms", "10m". Sizes are
// strings of a whole number and a unit, B, KiB, MiB or GiB, all powers of 1024. There is no "MB"
// and no "m": to some they mean 1,000,000 bytes, to others 1,048,576, so the error asks which.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/codec.h"

namespace ringcache::config {

// A whole number, min to max.
Codec<std::uint32_t> count(std::uint32_t min, std::uint32_t max);
Codec<bool> flag();
// Bytes.
Codec<std::uint64_t> size(std::uint64_t min, std::uint64_t max);
Codec<std::chrono::milliseconds> duration(std::chrono::milliseconds min,
                                          std::chrono::milliseconds max);
// Refuses fractions of a second.
Codec<std::chrono::seconds> duration_in_seconds(std::chrono::seconds min, std::chrono::seconds max);

// A string that `error_of` says nothing against; it may rewrite the string into a normal form.
// `pattern` (ECMAScript) is the schema's rule; it may accept more, never less.
// With `null_is_empty`, null stands for the empty string, and the empty string is refused.
struct TextRules {
  std::string type;     // "host:port", for the manual and for messages: must be ...
  std::string pattern;  // empty: any
  std::function<std::string(std::string& text)> error_of;
  bool null_is_empty = false;
};
Codec<std::string> text(TextRules rules);

// The name of a pool or a zone; null and empty: none.
Codec<std::string> name_or_null(std::string type);

// What keys may begin with.
Codec<std::string> key_prefix();

// Index of one of `names`, which must outlive the codec.
Codec<std::size_t> name_index(std::span<const std::string_view> names);

// The same for an enumeration whose values are the indexes.
template <typename Enum>
Codec<Enum> name_of(std::span<const std::string_view> names) {
  const Codec<std::size_t> by_index = name_index(names);
  auto decode = [=](DecodeContext& context, const JsonNode& json, Enum& value) {
    std::size_t index = 0;
    if (!by_index.decode(context, json, index)) return false;
    value = static_cast<Enum>(index);
    return true;
  };
  auto encode = [=](const Enum& value) { return by_index.encode(static_cast<std::size_t>(value)); };
  return {std::move(decode), std::move(encode), by_index.schema, by_index.type, {}};
}

// The same for a string that holds the name itself.
Codec<std::string> name_in(std::span<const std::string_view> names);

// A value that may be absent from the configuration; written only when present.
template <typename T>
Codec<std::optional<T>> optional(Codec<T> codec) {
  auto decode = [=](DecodeContext& context, const JsonNode& json, std::optional<T>& value) {
    T present{};
    if (!codec.decode(context, json, present)) return false;
    value = std::move(present);
    return true;
  };
  auto encode = [=](const std::optional<T>& value) {
    return value ? codec.encode(*value) : Json();
  };
  return {std::move(decode), std::move(encode), codec.schema, codec.type, codec.inner};
}

// As the configuration writes them: the largest unit that leaves a whole number.
std::string format_duration(std::chrono::milliseconds value);
std::string format_size(std::uint64_t bytes);

}  // namespace ringcache::config
