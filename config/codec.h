// Codec and Table: one definition of a configuration field, four uses.
//
// A Codec<T> says how a value of type T is written in JSON: how to read it, how to write it, what
// a JSON schema says of it, what the manual says of it. A Table<Owner> lists the fields of an
// object: key, meaning, the member of Owner it fills, the member's Codec. The decoder,
// --print-config, --print-schema and the README's tables are all made from the tables in
// proxy_fields.cpp, so they cannot disagree. A default is what a fresh Owner has in the member.
//
// Start-up and reload only; nothing here is fast, and nothing needs to be.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostics.h"
#include "config/json_positions.h"

namespace ringcache::config {

using Json = nlohmann::ordered_json;

// Whether a reload applies a changed field to the running process.
enum class Reload : std::uint8_t { kApplies, kNeedsRestart };

// One line of the manual.
struct ReferenceRow {
  std::string path;           // keys joined by dots: "limits.item_size", "pools.*.ring"
  std::string type;           // "duration, 1ms to 1m"
  std::string default_value;  // as JSON; empty if there is none
  std::string meaning;
  Reload reload = Reload::kApplies;
};

// Decoding stops here; at most kDiagnosticsMax of them are shown.
inline constexpr std::size_t kErrorsSoughtMax = 1000;

// Where the decoder reports, and what it knows of the whole configuration.
class DecodeContext {
 public:
  explicit DecodeContext(Diagnostics& diagnostics) : diagnostics_(&diagnostics) {}

  // After so many errors that more would help nobody.
  bool gave_up() const { return diagnostics_->error_count() >= kErrorsSoughtMax; }
  // Marks the value.
  void error(const JsonNode& value, std::string message, std::string hint = {});
  // Marks the key of a member.
  void key_error(const JsonNode& member, std::string message, std::string hint = {});
  // "must be X, is a number". Returns false, for the decoder to return.
  bool type_error(const JsonNode& value, std::string_view expected, std::string hint = {});
  // Returns the known key that was probably meant, if there is one.
  std::optional<std::string_view> unknown_key(const JsonNode& member,
                                              std::span<const std::string_view> known_keys);

 private:
  Diagnostics* diagnostics_;
};

template <typename T>
struct Codec {
  // False, after an error was reported, if the JSON is not such a value; `value` is then as before
  // or partly filled.
  std::function<bool(DecodeContext&, const JsonNode&, T& value)> decode;
  std::function<Json(const T&)> encode;  // null: nothing to write
  Json schema;                           // keywords of draft-07, without description and default
  std::string type;                      // for the manual
  std::vector<ReferenceRow> inner;       // of the fields inside, with paths relative to the value
};

template <typename Owner>
class Table {
 public:
  // `member` is a pointer to a data member, or a function from Owner& to a reference. Fields are
  // written in the order they are added.
  template <typename Member, typename T>
  Table& add(std::string_view key, Member member, Codec<T> codec, std::string_view meaning,
             Reload reload = Reload::kApplies) {
    Field field;
    field.key = key;
    field.decode = [member, codec](DecodeContext& context, const JsonNode& json, Owner& owner) {
      return codec.decode(context, json, std::invoke(member, owner));
    };
    field.encode = [member, codec](const Owner& owner) {
      // A copy, so that one function from Owner& serves both directions.
      Owner copy = owner;
      return codec.encode(std::invoke(member, copy));
    };
    field.schema = codec.schema;
    field.schema["description"] = meaning;
    const Json default_value = codec.encode(default_of(member));
    const bool is_leaf = codec.inner.empty();
    const bool has_default = is_leaf && accepts(codec.schema, default_value);
    if (has_default) field.schema["default"] = default_value;
    field.row = {.path = field.key,
                 .type = codec.type,
                 .default_value = has_default ? default_value.dump() : std::string(),
                 .meaning = std::string(meaning),
                 .reload = reload};
    field.inner = codec.inner;
    fields_.push_back(std::move(field));
    return *this;
  }

  // The field added last must be given; it has no default.
  Table& required() {
    fields_.back().required = true;
    fields_.back().schema.erase("default");
    fields_.back().row.default_value.clear();
    return *this;
  }

  bool decode(DecodeContext& context, const JsonNode& json, Owner& owner) const;
  Json encode(const Owner& owner) const;
  Json schema() const;
  std::vector<ReferenceRow> reference() const;

 private:
  struct Field {
    std::string key;
    bool required = false;
    std::function<bool(DecodeContext&, const JsonNode&, Owner&)> decode;
    std::function<Json(const Owner&)> encode;
    Json schema;
    ReferenceRow row;
    std::vector<ReferenceRow> inner;
  };

  template <typename Member>
  static auto default_of(Member member) {
    Owner fresh{};
    return std::invoke(member, fresh);
  }
  // Only null needs a look: it stands for "nothing" where the schema does not name it.
  static bool accepts(const Json& schema, const Json& value) {
    if (!value.is_null()) return true;
    return schema.contains("type") && schema["type"].is_array() &&
           schema["type"].back() == Json("null");
  }

  std::vector<Field> fields_;
};

template <typename Owner>
bool Table<Owner>::decode(DecodeContext& context, const JsonNode& json, Owner& owner) const {
  if (!json.is(JsonKind::kObject)) return context.type_error(json, "an object");
  bool good = true;
  std::vector<bool> seen(fields_.size());
  std::vector<bool> misspelt(fields_.size());
  std::vector<std::string_view> keys;
  for (const Field& field : fields_) keys.push_back(field.key);
  for (const JsonNode* member : json.children) {
    if (context.gave_up()) return false;
    std::size_t i = 0;
    while (i < fields_.size() && fields_[i].key != member->key) ++i;
    if (i == fields_.size()) {
      if (member->key.starts_with("x-")) continue;  // for comments and other tools
      const auto meant = context.unknown_key(*member, keys);
      for (i = 0; i < keys.size(); ++i) misspelt[i] = misspelt[i] || keys[i] == meant;
      good = false;
    } else if (!seen[i]) {  // a duplicate was reported by the parser
      seen[i] = true;
      good = fields_[i].decode(context, *member, owner) && good;
    }
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!fields_[i].required || seen[i] || misspelt[i]) continue;
    context.error(json, "no " + in_quotes(fields_[i].key) + " here");
    good = false;
  }
  return good;
}

template <typename Owner>
Json Table<Owner>::encode(const Owner& owner) const {
  Json result = Json::object();
  for (const Field& field : fields_) {
    Json value = field.encode(owner);
    if (accepts(field.schema, value)) result[field.key] = std::move(value);
  }
  return result;
}

template <typename Owner>
Json Table<Owner>::schema() const {
  Json result{{"type", "object"}};
  Json required = Json::array();
  for (const Field& field : fields_) {
    result["properties"][field.key] = field.schema;
    if (field.required) required.push_back(field.key);
  }
  result["patternProperties"]["^x-"] = Json::object();
  result["additionalProperties"] = false;
  if (!required.empty()) result["required"] = required;
  return result;
}

template <typename Owner>
std::vector<ReferenceRow> Table<Owner>::reference() const {
  std::vector<ReferenceRow> rows;
  for (const Field& field : fields_) {
    rows.push_back(field.row);
    for (ReferenceRow row : field.inner) {
      row.path = field.key + (row.path.starts_with('[') ? "" : ".") + row.path;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// An object with the fields of `table`, which must outlive the codec.
template <typename T>
Codec<T> object_of(const Table<T>& table) {
  return {.decode = [&table](DecodeContext& context, const JsonNode& json,
                             T& value) { return table.decode(context, json, value); },
          .encode = [&table](const T& value) { return table.encode(value); },
          .schema = table.schema(),
          .type = "object",
          .inner = table.reference()};
}

// An array. The paths of the element's fields begin with "[]". A bad element is reported and leaves
// a fresh T in its place, so that the indexes of the vector are those of the array.
template <typename T>
Codec<std::vector<T>> list_of(Codec<T> element, std::size_t count_min, std::size_t count_max,
                              std::string_view plural) {
  Json schema{{"type", "array"}, {"items", element.schema}};
  if (count_min != 0) schema["minItems"] = count_min;
  schema["maxItems"] = count_max;
  std::string type = "array of " + std::string(plural);
  auto decode = [=](DecodeContext& context, const JsonNode& json, std::vector<T>& list) {
    if (!json.is(JsonKind::kArray)) return context.type_error(json, "an array");
    const std::size_t count = json.children.size();
    if (count < count_min || count > count_max) {
      context.error(json, "must have " + std::to_string(count_min) + " to " +
                              std::to_string(count_max) + ' ' + std::string(plural) + ", has " +
                              std::to_string(count));
      return false;
    }
    bool good = true;
    list.clear();
    for (const JsonNode* child : json.children) {
      if (context.gave_up()) return false;
      T value{};
      const bool good_element = element.decode(context, *child, value);
      list.push_back(good_element ? std::move(value) : T{});
      good = good && good_element;
    }
    return good;
  };
  auto encode = [encode_element = element.encode](const std::vector<T>& list) {
    Json result = Json::array();
    for (const T& value : list) result.push_back(encode_element(value));
    return result;
  };
  return {.decode = std::move(decode),
          .encode = std::move(encode),
          .schema = std::move(schema),
          .type = std::move(type),
          .inner = element.inner};
}

}  // namespace ringcache::config
