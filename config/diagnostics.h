// Diagnostics: what is wrong with a configuration file, where, and what to do about it.
//
// Printed as compilers do, so that editors and people can jump to the place:
//
//   proxy.json:4:5: /pools/main/weigth: unknown key "weigth"
//       4 |     "weigth": 2
//         |     ^~~~~~~~
//         hint: did you mean "weight"?
//
// A warning says "warning: " after the position. Lines and columns count from 1, columns count
// characters (code points). Everything that is taken from the file is made printable first: a
// hostile file cannot send escape sequences to a terminal or break out of a log line.
//
// Plain values and pure functions; any thread may call them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringcache::config {

// Half-open range of bytes in a SourceText.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

enum class Severity : std::uint8_t { kWarning, kError };

// One finding. It carries the excerpt it shows, so it outlives the text it was found in.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;
  std::size_t line = 0;  // 0: the whole file (it cannot be read); no column and excerpt then
  std::size_t column = 0;
  std::string pointer;  // JSON pointer; empty for the whole document or a syntax error
  std::string message;
  std::string hint;             // may be empty
  std::string excerpt;          // the source line, printable, cut around the marked place
  std::size_t mark_begin = 0;   // characters of the excerpt before the caret
  std::size_t mark_length = 1;  // caret and tildes
};

// The text of a file and the beginnings of its lines.
class SourceText {
 public:
  // Both must outlive this object.
  SourceText(std::string_view text, std::string_view filename);

  std::string_view text() const { return text_; }
  std::string_view filename() const { return filename_; }
  // 1-based line of a byte offset; the offset just behind the text is fine.
  std::size_t line_of(std::size_t offset) const;
  // A diagnostic that marks `range` (its part on the first line).
  Diagnostic diagnose(Severity severity, TextRange range, std::string_view pointer,
                      std::string message, std::string hint = {}) const;

 private:
  std::string_view text_;
  std::string_view filename_;
  std::vector<std::size_t> line_begins_;
};

// Collects findings of one text; keeps at most kDiagnosticsMax of each severity and counts on.
inline constexpr std::size_t kDiagnosticsMax = 100;
class Diagnostics {
 public:
  explicit Diagnostics(const SourceText& source) : source_(&source) {}

  void error(TextRange range, std::string_view pointer, std::string message, std::string hint = {});
  void warning(TextRange range, std::string_view pointer, std::string message,
               std::string hint = {});
  std::size_t error_count() const { return error_count_; }
  // Whether some error is about the value at `pointer` or something inside it.
  bool has_error_within(std::string_view pointer) const;
  // Whether some error is about exactly that value (or its key).
  bool has_error_at(std::string_view pointer) const;
  // The findings in the order of the file; the last says so if there were more than are kept.
  std::vector<Diagnostic> take_errors();
  std::vector<Diagnostic> take_warnings();

 private:
  const SourceText* source_;
  std::vector<Diagnostic> errors_;
  std::vector<Diagnostic> warnings_;
  std::size_t error_count_ = 0;
  std::size_t warning_count_ = 0;
};

// One finding as shown above, each line ended by a newline.
std::string format(const Diagnostic& diagnostic);
// All of them, one after the other.
std::string format(std::span<const Diagnostic> diagnostics);

// `text` with control characters, bidirectional overrides and bytes that are no UTF-8 replaced,
// one character for one; longer than `characters_max` is cut and ends in "...".
std::string printable(std::string_view text, std::size_t characters_max = 80);
// The same between double quotes.
std::string in_quotes(std::string_view text, std::size_t characters_max = 80);

// The candidate that `name` is probably a misspelling of: within a third of its length in edits
// (a swap of neighbours counts one, case counts nothing), or one is the beginning of the other.
std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates);
// "did you mean ...?" for the nearest candidate, else "one of: ..." (of up to 20).
std::string suggestion(std::string_view name, std::span<const std::string_view> candidates);

// Offset of the first byte that is not UTF-8, if any.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

}  // namespace ringcache::config
