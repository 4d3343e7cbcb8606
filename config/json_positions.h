// JSON with positions: a document whose every key and value knows where in the text it stands, so
// that an error about a value can show the value.
//
// nlohmann::json reads the text, as SAX events from an iterator that counts bytes. The events come
// after their token; the beginning of a token is what follows the end of the one before, less
// blanks, comments and one separator. (json::parse would give no positions, and would silently
// merge duplicate keys.)
//
// The text is JSON in UTF-8, with // and /* */ comments and perhaps a byte order mark. Duplicate
// keys are errors. Everything is bounded, and no function here recurses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"

namespace ringcache::config {

// Largest text. Ten thousand nodes, each on lines of its own, are about 1 MiB.
inline constexpr std::size_t kConfigBytesMax = std::size_t{4} << 20;
// Deepest nesting. The configuration itself needs 6; "x-" keys may hold anything.
inline constexpr std::size_t kJsonDepthMax = 64;
// Most values in a text, each of which costs about 250 bytes of memory.
inline constexpr std::size_t kJsonValuesMax = 200'000;

enum class JsonKind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };

struct JsonNode {
  JsonKind kind = JsonKind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;     // of a string, its value; of a number, its spelling in the text
  TextRange range;      // of an array or object, only the opening bracket
  std::string key;      // of an object's member
  TextRange key_range;  // with its quotes
  const JsonNode* parent = nullptr;
  std::size_t index = 0;  // among the parent's children
  std::vector<const JsonNode*> children;

  bool is(JsonKind wanted) const { return kind == wanted; }
  // The member of an object; the first of duplicates; null if there is none.
  const JsonNode* member(std::string_view wanted_key) const;
  // Where this value stands in its document, by RFC 6901: "/pools/main/nodes/0"; "" for the root.
  std::string pointer() const;
  // What it is, for messages: "a string", "an object".
  std::string_view kind_name() const;
};

// Owns its nodes; they stay where they are when the document is moved.
class JsonDocument {
 public:
  const JsonNode& root() const { return nodes_.front(); }
  // The value at `pointer`, or the nearest value above it that there is.
  const JsonNode& nearest(std::string_view pointer) const;

 private:
  friend class JsonBuilder;
  std::deque<JsonNode> nodes_;
};

// Reads the text. No document if it is not JSON, too large or too deep: then the first such error
// is reported. Duplicate keys are reported, and the document is there nevertheless, with all of
// them, so that its other errors can be found.
std::optional<JsonDocument> parse_json(const SourceText& source, Diagnostics& diagnostics);

}  // namespace ringcache::config
