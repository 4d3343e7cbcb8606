#include "config/json_positions.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "config/json_syntax_error.h"

namespace ringcache::config {
namespace {

// Reads a text and counts, outside of itself because the parser keeps copies, the bytes read.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* count) : at_(at), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*count_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* count_;
};

bool is_number_byte(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

// A key or index as a token of a JSON pointer.
std::string escape_token(std::string_view token) {
  std::string result;
  for (const char c : token) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

std::string pointer_token(const JsonNode& node) {
  return node.parent->is(JsonKind::kArray) ? std::to_string(node.index) : escape_token(node.key);
}

}  // namespace

// Makes the nodes from the parser's events, which it calls by the names that nlohmann's SAX
// interface prescribes.
class JsonBuilder {
 public:
  JsonBuilder(const SourceText& source, Diagnostics& diagnostics)
      : source_(&source), text_(source.text()), diagnostics_(&diagnostics) {
    if (text_.starts_with("\xef\xbb\xbf")) last_end_ = 3;
  }

  std::size_t* count() { return &count_; }
  JsonDocument take() { return std::move(document_); }

  bool null() { return add_scalar(JsonKind::kNull) != nullptr; }
  bool boolean(bool value) {
    JsonNode* node = add_scalar(JsonKind::kBoolean);
    if (node != nullptr) node->boolean = value;
    return node != nullptr;
  }
  bool number_integer(std::int64_t value) { return add_number(static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) { return add_number(static_cast<double>(value)); }
  bool number_float(double value, const std::string&) { return add_number(value); }
  bool string(std::string& value) {
    JsonNode* node = add_scalar(JsonKind::kString);
    if (node != nullptr) node->text = std::move(value);
    return node != nullptr;
  }
  bool binary(const nlohmann::json::binary_t&) { return false; }  // only in binary formats

  bool key(std::string& value) {
    key_range_ = {next_token(), count_};
    last_end_ = count_;
    key_ = std::move(value);
    const auto [first, is_new] = open_.back().keys.emplace(key_, key_range_.begin);
    if (!is_new) report_duplicate(first->second);
    expectation_ = JsonExpectation::kColon;
    return true;
  }

  bool start_object(std::size_t) { return open(JsonKind::kObject, JsonExpectation::kFirstKey); }
  bool start_array(std::size_t) { return open(JsonKind::kArray, JsonExpectation::kFirstElement); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    const std::string_view words = error.what();
    report_syntax_error(*source_,
                        {.expectation = expectation_,
                         .last_end = last_end_,
                         .stopped_at = count_,
                         .token_is_malformed = words.find("; last read: '") != words.npos,
                         .parser_message = words,
                         .open_bracket = open_.empty() ? 0 : open_.back().node->range.begin},
                        *diagnostics_);
    return false;
  }

 private:
  struct Open {
    JsonNode* node;
    std::unordered_map<std::string, std::size_t> keys;  // and where they stand first
  };

  // Where the token begins whose event is being handled.
  std::size_t next_token() const {
    const std::size_t at = skip_blanks(text_, last_end_);
    const char separator = expectation_ == JsonExpectation::kColon ? ':' : ',';
    return at < text_.size() && text_[at] == separator ? skip_blanks(text_, at + 1) : at;
  }

  JsonNode* add(JsonKind kind, TextRange range) {
    if (document_.nodes_.size() == kJsonValuesMax) {
      diagnostics_->error(range, {}, "more than " + std::to_string(kJsonValuesMax) + " values");
      return nullptr;
    }
    JsonNode& node = document_.nodes_.emplace_back();
    node.kind = kind;
    node.range = range;
    if (open_.empty()) return &node;
    JsonNode& parent = *open_.back().node;
    node.parent = &parent;
    node.index = parent.children.size();
    if (parent.is(JsonKind::kObject)) {
      node.key = std::move(key_);
      node.key_range = key_range_;
    }
    parent.children.push_back(&node);
    return &node;
  }

  void value_done(std::size_t end) {
    last_end_ = end;
    expectation_ = open_.empty()                              ? JsonExpectation::kEnd
                   : open_.back().node->is(JsonKind::kObject) ? JsonExpectation::kCommaInObject
                                                              : JsonExpectation::kCommaInArray;
  }

  JsonNode* add_scalar(JsonKind kind) {
    const TextRange range{next_token(), count_};
    value_done(range.end);
    return add(kind, range);
  }

  // The parser has read one byte beyond a number, unless the text ended with it.
  bool add_number(double value) {
    TextRange range{next_token(), 0};
    range.end = range.begin;
    while (range.end < text_.size() && is_number_byte(text_[range.end])) ++range.end;
    value_done(range.end);
    JsonNode* node = add(JsonKind::kNumber, range);
    if (node == nullptr) return false;
    node->number = value;
    node->text = text_.substr(range.begin, range.end - range.begin);
    return true;
  }

  bool open(JsonKind kind, JsonExpectation inside) {
    const TextRange range{next_token(), count_};
    if (open_.size() == kJsonDepthMax) {
      diagnostics_->error(range, {},
                          "nested deeper than " + std::to_string(kJsonDepthMax) + " levels");
      return false;
    }
    JsonNode* node = add(kind, range);
    if (node == nullptr) return false;
    open_.push_back({node, {}});
    last_end_ = count_;
    expectation_ = inside;
    return true;
  }

  bool close() {
    open_.pop_back();
    value_done(count_);
    return true;
  }

  void report_duplicate(std::size_t first) {
    diagnostics_->error(key_range_, open_.back().node->pointer() + '/' + escape_token(key_),
                        "duplicate key " + in_quotes(key_) + ", first on line " +
                            std::to_string(source_->line_of(first)));
  }

  const SourceText* source_;
  std::string_view text_;
  Diagnostics* diagnostics_;
  JsonDocument document_;
  std::vector<Open> open_;
  std::size_t count_ = 0;     // bytes the parser has read
  std::size_t last_end_ = 0;  // end of the last token that had an event
  JsonExpectation expectation_ = JsonExpectation::kDocument;
  std::string key_;  // of the member whose value comes next
  TextRange key_range_;
};

const JsonNode* JsonNode::member(std::string_view wanted_key) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const JsonNode* child) { return child->key == wanted_key; });
  return is(JsonKind::kObject) && found != children.end() ? *found : nullptr;
}

std::string JsonNode::pointer() const {
  std::vector<std::string> tokens;
  for (const JsonNode* node = this; node->parent != nullptr; node = node->parent) {
    tokens.push_back(pointer_token(*node));
  }
  std::string result;
  for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) result += '/' + *token;
  return result;
}

std::string_view JsonNode::kind_name() const {
  constexpr std::string_view kNames[] = {"null",     "true or false", "a number",
                                         "a string", "an array",      "an object"};
  return kNames[static_cast<std::size_t>(kind)];
}

const JsonNode& JsonDocument::nearest(std::string_view pointer) const {
  const JsonNode* node = &root();
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    const auto child = std::find_if(node->children.begin(), node->children.end(),
                                    [&](const JsonNode* c) { return pointer_token(*c) == token; });
    if (child == node->children.end()) break;
    node = *child;
    pointer.remove_prefix(token.size());
  }
  return *node;
}

std::optional<JsonDocument> parse_json(const SourceText& source, Diagnostics& diagnostics) {
  const std::string_view text = source.text();
  if (text.size() > kConfigBytesMax) {
    diagnostics.error({}, {},
                      "too large: " + std::to_string(text.size()) + " bytes, at most " +
                          std::to_string(kConfigBytesMax));
    return std::nullopt;
  }
  if (const auto offset = find_invalid_utf8(text)) {
    diagnostics.error({*offset, *offset + 1}, {}, "not UTF-8",
                      "save the file in the encoding UTF-8");
    return std::nullopt;
  }
  // The parser would take a NUL for the end of the text and never look at the rest.
  if (const std::size_t offset = text.find('\0'); offset != text.npos) {
    diagnostics.error({offset, offset + 1}, {}, "a NUL byte");
    return std::nullopt;
  }
  JsonBuilder builder(source, diagnostics);
  const CountingIterator begin(text.data(), builder.count());
  const CountingIterator end(text.data() + text.size(), builder.count());
  const bool strict = true;
  const bool ignore_comments = true;
  if (!nlohmann::json::sax_parse(begin, end, &builder, nlohmann::json::input_format_t::json, strict,
                                 ignore_comments)) {
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace ringcache::config
