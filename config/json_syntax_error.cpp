#include "config/json_syntax_error.h"

#include <algorithm>
#include <utility>

namespace ringcache::config {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '$' || c == '.' || c == '+';
}

std::size_t word_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_word_byte(text[at])) ++at;
  return at;
}

// The parser's message from its last part on: "invalid string: missing closing quote; ...".
std::string parser_reason(std::string_view message) {
  if (const std::size_t dash = message.find(" - "); dash != message.npos) {
    message.remove_prefix(dash + 3);
  } else if (const std::size_t bracket = message.find("] "); bracket != message.npos) {
    message.remove_prefix(bracket + 2);
  }
  message = message.substr(0, message.find("; last read: '"));
  return printable(message, 200);
}

std::string_view expected_words(JsonExpectation expectation) {
  switch (expectation) {
    case JsonExpectation::kDocument:
      return "expected '{'";
    case JsonExpectation::kEnd:
      return "expected nothing more behind the end of the configuration";
    case JsonExpectation::kFirstKey:
      return "expected a key in double quotes, or '}'";
    case JsonExpectation::kColon:
      return "expected ':' behind the key";
    case JsonExpectation::kFirstElement:
      return "expected a value, or ']'";
    case JsonExpectation::kCommaInObject:
      return "expected ',' or '}'";
    case JsonExpectation::kCommaInArray:
      return "expected ',' or ']'";
  }
  return {};
}

bool in_object(JsonExpectation e) {
  return e == JsonExpectation::kFirstKey || e == JsonExpectation::kColon ||
         e == JsonExpectation::kCommaInObject;
}

bool in_array(JsonExpectation e) {
  return e == JsonExpectation::kFirstElement || e == JsonExpectation::kCommaInArray;
}

bool wants_comma(JsonExpectation e) {
  return e == JsonExpectation::kCommaInObject || e == JsonExpectation::kCommaInArray;
}

// The token at which the parser stopped, and the separator, if one stands before it.
struct Stop {
  std::size_t at = 0;
  bool has_separator = false;
  std::size_t separator = 0;
};

Stop find_stop(std::string_view text, const JsonSyntaxError& error) {
  Stop stop;
  stop.at = skip_blanks(text, error.last_end);
  const char wanted = error.expectation == JsonExpectation::kColon ? ':' : ',';
  const bool may_have =
      error.expectation == JsonExpectation::kColon || wants_comma(error.expectation);
  if (may_have && stop.at < text.size() && text[stop.at] == wanted) {
    stop.has_separator = true;
    stop.separator = stop.at;
    stop.at = skip_blanks(text, stop.at + 1);
  }
  return stop;
}

class Reporter {
 public:
  Reporter(const SourceText& source, const JsonSyntaxError& error, Diagnostics& diagnostics)
      : source_(source),
        text_(source.text()),
        error_(error),
        diagnostics_(diagnostics),
        stop_(find_stop(text_, error)) {}

  void report() {
    if (report_end() || report_comment() || report_comma() || report_word() || report_bracket()) {
      return;
    }
    if (error_.parser_message.find("number overflow") != std::string_view::npos) {
      return say({stop_.at, word_end(text_, stop_.at)}, "the number is too large");
    }
    const bool anything_fits = stop_.has_separator ||
                               error_.expectation == JsonExpectation::kDocument ||
                               error_.expectation == JsonExpectation::kFirstElement ||
                               error_.expectation == JsonExpectation::kFirstKey;
    if (error_.token_is_malformed && (anything_fits || text_[stop_.at] == '"')) {
      return report_malformed();
    }
    const bool opens = text_[stop_.at] == '"';
    if (stop_.has_separator) {
      const bool key = error_.expectation == JsonExpectation::kCommaInObject;
      return say({stop_.at, stop_.at + 1},
                 key ? "expected a key in double quotes" : "expected a value");
    }
    if (wants_comma(error_.expectation) &&
        (opens || text_[stop_.at] == '{' || text_[stop_.at] == '[' ||
         is_word_byte(text_[stop_.at]))) {
      return say({error_.last_end - 1, error_.last_end}, "a comma is missing behind this");
    }
    say({stop_.at, stop_.at + 1}, std::string(expected_words(error_.expectation)));
  }

 private:
  void say(TextRange range, std::string message, std::string hint = {}) {
    diagnostics_.error(range, {}, std::move(message), std::move(hint));
  }

  bool report_end() {
    if (stop_.at < text_.size()) return false;
    const bool in_container = in_object(error_.expectation) || in_array(error_.expectation);
    if (!in_container) {
      say({error_.last_end, error_.last_end}, "the file is empty",
          "the smallest configuration is {\"nodes\": [\"127.0.0.1:11211\"]}");
      return true;
    }
    const char* bracket = in_object(error_.expectation) ? "'{'" : "'['";
    say({error_.open_bracket, error_.open_bracket + 1},
        std::string("this ") + bracket + " is never closed: the file ends on line " +
            std::to_string(source_.line_of(text_.size())));
    return true;
  }

  bool report_comment() {
    if (text_[stop_.at] != '/' && text_[stop_.at] != '#') return false;
    const bool open = text_.substr(stop_.at, 2) == "/*";
    say({stop_.at, stop_.at + (open ? 2 : 1)},
        open ? "this comment is never closed" : "a comment begins with // or /*");
    return true;
  }

  bool report_comma() {
    const char c = text_[stop_.at];
    if (stop_.has_separator && (c == '}' || c == ']') && wants_comma(error_.expectation)) {
      say({stop_.separator, stop_.separator + 1},
          std::string("no comma may stand before '") + c + '\'');
      return true;
    }
    if (c == ',' && (stop_.has_separator || !wants_comma(error_.expectation))) {
      say({stop_.at, stop_.at + 1}, "a comma too many");
      return true;
    }
    return false;
  }

  // Something that begins like a word, or with the wrong quotes, or is a word that JSON has where
  // it may not be.
  bool report_word() {
    const char c = text_[stop_.at];
    const bool value_fits = stop_.has_separator ||
                            error_.expectation == JsonExpectation::kDocument ||
                            error_.expectation == JsonExpectation::kFirstElement;
    const bool key_fits =
        error_.expectation == JsonExpectation::kFirstKey ||
        (stop_.has_separator && error_.expectation == JsonExpectation::kCommaInObject);
    if (!value_fits && !key_fits) return false;
    if (c == '\'' || c == '`') {
      say({stop_.at, stop_.at + 1}, "strings stand between double quotes");
      return true;
    }
    const TextRange word{stop_.at, word_end(text_, stop_.at)};
    const std::string_view spelling = text_.substr(word.begin, word.end - word.begin);
    if (spelling.empty()) return false;
    if (!error_.token_is_malformed && !key_fits) return false;
    constexpr std::string_view kLiterals[] = {"true", "false", "null"};
    const auto literal = key_fits ? std::nullopt : nearest_name(spelling, kLiterals);
    const bool like_number = spelling.find_first_not_of("0123456789+-.eE") == spelling.npos;
    if (like_number && !key_fits) {
      say(word, in_quotes(spelling) + " is not a number as JSON writes them");
      return true;
    }
    say(word, in_quotes(spelling) + " needs double quotes",
        literal ? "did you mean " + std::string(*literal) + '?' : std::string());
    return true;
  }

  bool report_bracket() {
    const char c = text_[stop_.at];
    if (error_.token_is_malformed || (c != '}' && c != ']')) return false;
    const bool mismatch = (c == ']' && in_object(error_.expectation) &&
                           error_.expectation != JsonExpectation::kColon) ||
                          (c == '}' && in_array(error_.expectation));
    if (!mismatch) return false;
    say({stop_.at, stop_.at + 1}, std::string("'") + c + "' does not close the '" +
                                      text_[error_.open_bracket] + "' of line " +
                                      std::to_string(source_.line_of(error_.open_bracket)));
    return true;
  }

  // Inside a token: a string with a bad escape or a line break, a number with a bad digit.
  void report_malformed() {
    const std::size_t at = error_.stopped_at > stop_.at ? error_.stopped_at - 1 : stop_.at;
    if (text_[stop_.at] == '"' && (at >= text_.size() || text_[at] == '\n' || text_[at] == '\r' ||
                                   error_.stopped_at == text_.size())) {
      if (error_.parser_message.find("missing closing quote") != std::string_view::npos ||
          text_[at] == '\n' || text_[at] == '\r') {
        return say({stop_.at, stop_.at + 1}, "this string is never closed");
      }
    }
    say({at, at + 1}, parser_reason(error_.parser_message));
  }

  const SourceText& source_;
  std::string_view text_;
  const JsonSyntaxError& error_;
  Diagnostics& diagnostics_;
  Stop stop_;
};

}  // namespace

std::size_t skip_blanks(std::string_view text, std::size_t offset) {
  while (offset < text.size()) {
    if (is_blank(text[offset])) {
      ++offset;
    } else if (text.substr(offset, 2) == "//") {
      offset = std::min(text.find_first_of("\r\n", offset), text.size());
    } else if (text.substr(offset, 2) == "/*") {
      const std::size_t close = text.find("*/", offset + 2);
      if (close == text.npos) return offset;
      offset = close + 2;
    } else {
      break;
    }
  }
  return offset;
}

void report_syntax_error(const SourceText& source, const JsonSyntaxError& error,
                         Diagnostics& diagnostics) {
  Reporter(source, error, diagnostics).report();
}

}  // namespace ringcache::config
