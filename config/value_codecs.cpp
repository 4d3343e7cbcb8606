#include "config/value_codecs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/addresses.h"

namespace ringcache::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Unit, 4> kDurationUnits{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 4> kSizeUnits{
    {{"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}}};

std::string format_with_unit(std::uint64_t value, std::span<const Unit> units,
                             std::size_t zero_unit) {
  std::size_t best = value == 0 ? zero_unit : 0;
  for (std::size_t i = 0; value != 0 && i < units.size(); ++i) {
    if (value % units[i].factor == 0) best = i;
  }
  return std::to_string(value / units[best].factor) + std::string(units[best].name);
}

// A number with a unit taken apart. Both views are into the text.
struct Quantity {
  std::string_view digits;
  std::string_view unit;
};

Quantity split_quantity(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return {text.substr(0, end), text.substr(end)};
}

// digits * factor, or the largest number when that is too much for 64 bits.
std::uint64_t scale(std::string_view digits, std::uint64_t factor) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  std::uint64_t product = 0;
  if (result.ec != std::errc{} || __builtin_mul_overflow(number, factor, &product)) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return product;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& candidate) { return candidate.name == name; });
  return unit == units.end() ? nullptr : &*unit;
}

// What a quantity is, to the functions below.
struct QuantityRules {
  std::span<const Unit> units;
  std::string_view expected;  // "a duration such as ..."
  std::size_t zero_unit;      // for writing 0
  std::uint64_t min;
  std::uint64_t max;
};

std::string format_quantity(const QuantityRules& rules, std::uint64_t value) {
  return format_with_unit(value, rules.units, rules.zero_unit);
}

// For a number without a unit.
std::string missing_unit_hint(const QuantityRules& rules, std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return {};
  const std::string number = printable(digits, 20);
  return "write the unit, as in \"" + number + std::string(rules.units[0].name) + "\" or \"" +
         number + std::string(rules.units[1].name) + '"';
}

// "did you mean "64MiB"?" for "64MB", "64m", "64 mib".
std::string unit_hint(const QuantityRules& rules, const Quantity& quantity) {
  std::string_view given = quantity.unit;
  while (given.starts_with(' ')) given.remove_prefix(1);
  std::string choices;
  for (const Unit& unit : rules.units) {
    const bool alike = !given.empty() && (given[0] | 0x20) == (unit.name[0] | 0x20);
    if (alike && choices.empty()) {
      return "did you mean \"" + std::string(quantity.digits) + std::string(unit.name) + "\"?";
    }
  }
  for (const Unit& unit : rules.units) {
    choices += choices.empty() ? "units: " : ", ";
    choices += unit.name;
  }
  return choices;
}

bool decode_quantity(const QuantityRules& rules, DecodeContext& context, const JsonNode& json,
                     std::uint64_t& value) {
  if (json.is(JsonKind::kNumber)) {
    return context.type_error(json, rules.expected, missing_unit_hint(rules, json.text));
  }
  if (!json.is(JsonKind::kString)) return context.type_error(json, rules.expected);
  const Quantity quantity = split_quantity(json.text);
  if (quantity.digits.empty()) return context.type_error(json, rules.expected);
  if (quantity.unit.empty()) {
    return context.type_error(json, rules.expected, missing_unit_hint(rules, quantity.digits));
  }
  const Unit* unit = find_unit(rules.units, quantity.unit);
  if (unit == nullptr) {
    return context.type_error(json, rules.expected, unit_hint(rules, quantity));
  }
  const std::uint64_t scaled = scale(quantity.digits, unit->factor);
  if (scaled < rules.min || scaled > rules.max) {
    context.error(json, "must be " + format_quantity(rules, rules.min) + " to " +
                            format_quantity(rules, rules.max) + ", is " + printable(json.text, 40));
    return false;
  }
  value = scaled;
  return true;
}

std::string quantity_type(std::string_view word, const QuantityRules& rules) {
  return std::string(word) + ", " + format_quantity(rules, rules.min) + " to " +
         format_quantity(rules, rules.max);
}

QuantityRules duration_rules(std::chrono::milliseconds min, std::chrono::milliseconds max) {
  return {.units = kDurationUnits,
          .expected = "a duration such as \"250ms\", \"2s\", \"10m\" or \"1h\"",
          .zero_unit = 1,
          .min = static_cast<std::uint64_t>(min.count()),
          .max = static_cast<std::uint64_t>(max.count())};
}

Json string_schema(std::string_view pattern) {
  Json schema{{"type", "string"}};
  if (!pattern.empty()) schema["pattern"] = pattern;
  return schema;
}

}  // namespace

Codec<std::uint32_t> count(std::uint32_t min, std::uint32_t max) {
  const std::string range = std::to_string(min) + " to " + std::to_string(max);
  auto decode = [=](DecodeContext& context, const JsonNode& json, std::uint32_t& value) {
    if (!json.is(JsonKind::kNumber)) {
      const bool is_text = json.is(JsonKind::kString) && !json.text.empty() &&
                           split_quantity(json.text).unit.empty();
      return context.type_error(json, "a whole number, " + range, is_text ? "without quotes" : "");
    }
    if (json.number != std::floor(json.number) || json.number < min || json.number > max) {
      context.error(json, "must be a whole number, " + range + ", is " + printable(json.text, 40));
      return false;
    }
    value = static_cast<std::uint32_t>(json.number);
    return true;
  };
  return {.decode = std::move(decode),
          .encode = [](const std::uint32_t& value) { return Json(value); },
          .schema = {{"type", "integer"}, {"minimum", min}, {"maximum", max}},
          .type = "number, " + range,
          .inner = {}};
}

Codec<bool> flag() {
  auto decode = [](DecodeContext& context, const JsonNode& json, bool& value) {
    if (!json.is(JsonKind::kBoolean)) {
      const bool is_text = json.text == "true" || json.text == "false";
      return context.type_error(json, "true or false", is_text ? "without quotes" : "");
    }
    value = json.boolean;
    return true;
  };
  return {.decode = decode,
          .encode = [](const bool& value) { return Json(value); },
          .schema = {{"type", "boolean"}},
          .type = "true or false",
          .inner = {}};
}

Codec<std::uint64_t> size(std::uint64_t min, std::uint64_t max) {
  const QuantityRules rules{.units = kSizeUnits,
                            .expected = "a size such as \"512KiB\", \"1MiB\" or \"1GiB\"",
                            .zero_unit = 0,
                            .min = min,
                            .max = max};
  return {.decode =
              [rules](DecodeContext& context, const JsonNode& json, std::uint64_t& value) {
                return decode_quantity(rules, context, json, value);
              },
          .encode = [](const std::uint64_t& value) { return Json(format_size(value)); },
          .schema = string_schema("^[0-9]+(B|KiB|MiB|GiB)$"),
          .type = quantity_type("size", rules),
          .inner = {}};
}

Codec<std::chrono::milliseconds> duration(std::chrono::milliseconds min,
                                          std::chrono::milliseconds max) {
  const QuantityRules rules = duration_rules(min, max);
  auto decode = [rules](DecodeContext& context, const JsonNode& json,
                        std::chrono::milliseconds& value) {
    std::uint64_t number = 0;
    if (!decode_quantity(rules, context, json, number)) return false;
    value = std::chrono::milliseconds(number);
    return true;
  };
  return {
      .decode = std::move(decode),
      .encode = [](const std::chrono::milliseconds& value) { return Json(format_duration(value)); },
      .schema = string_schema("^[0-9]+(ms|s|m|h)$"),
      .type = quantity_type("duration", rules),
      .inner = {}};
}

Codec<std::chrono::seconds> duration_in_seconds(std::chrono::seconds min,
                                                std::chrono::seconds max) {
  const Codec<std::chrono::milliseconds> base = duration(min, max);
  auto decode = [base](DecodeContext& context, const JsonNode& json, std::chrono::seconds& value) {
    std::chrono::milliseconds precise{};
    if (!base.decode(context, json, precise)) return false;
    value = std::chrono::duration_cast<std::chrono::seconds>(precise);
    if (value == precise) return true;
    context.error(json, "must be whole seconds, is " + printable(json.text, 40));
    return false;
  };
  return {.decode = std::move(decode),
          .encode = [](const std::chrono::seconds& value) { return Json(format_duration(value)); },
          .schema = base.schema,
          .type = base.type + ", whole seconds",
          .inner = {}};
}

Codec<std::string> text(TextRules rules) {
  Json schema = string_schema(rules.pattern);
  if (rules.null_is_empty) schema["type"] = {"string", "null"};
  const std::string type = rules.type + (rules.null_is_empty ? ", or null" : "");
  const bool null_is_empty = rules.null_is_empty;
  auto decode = [rules = std::move(rules), type](DecodeContext& context, const JsonNode& json,
                                                 std::string& value) {
    if (rules.null_is_empty && json.is(JsonKind::kNull)) {
      value.clear();
      return true;
    }
    if (!json.is(JsonKind::kString)) return context.type_error(json, type + ", as a string");
    std::string given = json.text;
    const std::string error = rules.error_of(given);
    if (!error.empty()) {
      context.error(json, printable(error, 400));
      return false;
    }
    value = std::move(given);
    return true;
  };
  auto encode = [null_is_empty](const std::string& value) {
    return null_is_empty && value.empty() ? Json() : Json(value);
  };
  return {.decode = std::move(decode),
          .encode = std::move(encode),
          .schema = std::move(schema),
          .type = type,
          .inner = {}};
}

Codec<std::string> name_or_null(std::string type) {
  return text({.type = std::move(type),
               .pattern = "^[A-Za-z0-9_.-]{1,64}$",
               .error_of = [](std::string& name) { return pool_name_error(name); },
               .null_is_empty = true});
}

Codec<std::string> key_prefix() {
  constexpr std::size_t kKeyBytesMax = 250;  // a key's length in memcached's protocol
  const auto is_no_key_byte = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  };
  const auto error_of = [=](std::string& prefix) -> std::string {
    if (prefix.empty()) return "an empty prefix; leave it out for a pool that takes every key";
    if (prefix.size() > kKeyBytesMax) return "a prefix has at most 250 bytes";
    return std::any_of(prefix.begin(), prefix.end(), is_no_key_byte)
               ? "no key has blanks or control characters"
               : "";
  };
  return text({.type = "1 to 250 bytes",
               .pattern = R"(^[^\u0000-\u0020\u007f]{1,250}$)",
               .error_of = error_of});
}

Codec<std::size_t> name_index(std::span<const std::string_view> names) {
  Json list = Json::array();
  std::string type;
  for (const std::string_view name : names) {
    list.push_back(name);
    type += (type.empty() ? "" : ", ") + in_quotes(name);
  }
  auto decode = [=](DecodeContext& context, const JsonNode& json, std::size_t& index) {
    if (!json.is(JsonKind::kString)) return context.type_error(json, "one of " + type);
    const auto found = std::find(names.begin(), names.end(), json.text);
    if (found == names.end()) {
      context.error(json, "unknown value " + in_quotes(json.text), suggestion(json.text, names));
      return false;
    }
    index = static_cast<std::size_t>(found - names.begin());
    return true;
  };
  return {.decode = std::move(decode),
          .encode = [names](const std::size_t& index) { return Json(names[index]); },
          .schema = {{"enum", std::move(list)}},
          .type = "one of " + type,
          .inner = {}};
}

Codec<std::string> name_in(std::span<const std::string_view> names) {
  const Codec<std::size_t> by_index = name_index(names);
  auto decode = [=](DecodeContext& context, const JsonNode& json, std::string& value) {
    std::size_t index = 0;
    if (!by_index.decode(context, json, index)) return false;
    value = names[index];
    return true;
  };
  return {.decode = std::move(decode),
          .encode = [](const std::string& value) { return Json(value); },
          .schema = by_index.schema,
          .type = by_index.type,
          .inner = {}};
}

std::string format_duration(std::chrono::milliseconds value) {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  return format_with_unit(count, kDurationUnits, 1);
}

std::string format_size(std::uint64_t bytes) {
  return format_with_unit(bytes, kSizeUnits, 0);
}

}  // namespace ringcache::config
