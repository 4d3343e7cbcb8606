#include "config/diagnostics.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace ringcache::config {
namespace {

constexpr std::size_t kExcerptCharactersMax = 100;
constexpr std::size_t kExcerptCharactersBefore = 60;  // kept before the mark when a line is cut
constexpr std::size_t kBeginningBytesMin = 3;         // "warn" for "warning", not "a" for "ab"
constexpr std::size_t kNameBytesMax = 64;             // longer names are not compared by edits

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;  // bytes; 0: not UTF-8
};

// Decodes the first code point of a text that is not empty.
CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t value = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return {};
    value = (value << 6) | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kSmallest[length] || value > 0x10ffff || surrogate) return {};
  return {value, length};
}

bool is_printable(std::uint32_t code_point) {
  if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) return false;
  if (code_point >= 0x2028 && code_point <= 0x202e) return false;  // separators, bidi overrides
  if (code_point >= 0x2066 && code_point <= 0x2069) return false;  // bidi isolates
  return code_point != 0x200e && code_point != 0x200f && code_point != 0xfeff;
}

// Calls `visit(bytes)` for each character, printable or replaced.
template <typename Visit>
void for_each_printable(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    const std::size_t length = std::max<std::size_t>(c.length, 1);
    if (c.length == 0) {
      visit(std::string_view("\xef\xbf\xbd"));  // U+FFFD
    } else if (c.value == '\t') {
      visit(std::string_view(" "));
    } else {
      visit(is_printable(c.value) ? text.substr(0, length) : std::string_view("?"));
    }
    text.remove_prefix(length);
  }
}

// Characters of a text that is UTF-8.
std::size_t count_characters(std::string_view text) {
  const auto continuations = std::count_if(text.begin(), text.end(), is_continuation);
  return text.size() - static_cast<std::size_t>(continuations);
}

// Fills the excerpt and its mark: what is around `marked`, bytes of `line`. A line may be the
// whole of a large file, so only the part that is shown is looked at.
void set_excerpt(Diagnostic& diagnostic, std::string_view line, TextRange marked) {
  std::size_t first = 0;
  if (count_characters(line) > kExcerptCharactersMax) {
    first = marked.begin;
    for (std::size_t back = 0; first > 0 && back < kExcerptCharactersBefore; ++back) {
      do --first;
      while (first > 0 && is_continuation(line[first]));
    }
  }
  if (first != 0) diagnostic.excerpt = "...";
  std::size_t shown = 0;
  for_each_printable(line.substr(first, 4 * (kExcerptCharactersMax + 1)), [&](auto character) {
    if (shown < kExcerptCharactersMax) diagnostic.excerpt += character;
    ++shown;
  });
  if (shown > kExcerptCharactersMax) diagnostic.excerpt += "...";
  const std::size_t before = count_characters(line.substr(first, marked.begin - first));
  diagnostic.mark_begin = before + (first != 0 ? 3 : 0);
  const std::string_view mark = line.substr(marked.begin, marked.end - marked.begin);
  diagnostic.mark_length = std::clamp<std::size_t>(
      count_characters(mark), 1, std::max<std::size_t>(1, kExcerptCharactersMax - before));
}

void sort_by_place(std::vector<Diagnostic>& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
}

std::vector<Diagnostic> take(std::vector<Diagnostic>& findings, std::size_t count,
                             std::string_view plural) {
  sort_by_place(findings);
  if (count > findings.size() && !findings.empty()) {
    Diagnostic rest;
    rest.severity = findings.back().severity;
    rest.file = findings.back().file;
    rest.message = std::to_string(count - findings.size()) + " more " + std::string(plural);
    findings.push_back(std::move(rest));
  }
  return std::exchange(findings, {});
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Optimal string alignment distance: inserts, deletes, replacements, swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

SourceText::SourceText(std::string_view text, std::string_view filename)
    : text_(text), filename_(filename), line_begins_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_begins_.push_back(i + 1);
  }
}

std::size_t SourceText::line_of(std::size_t offset) const {
  const auto after = std::upper_bound(line_begins_.begin(), line_begins_.end(), offset);
  return static_cast<std::size_t>(after - line_begins_.begin());
}

Diagnostic SourceText::diagnose(Severity severity, TextRange range, std::string_view pointer,
                                std::string message, std::string hint) const {
  const std::size_t begin = std::min(range.begin, text_.size());
  Diagnostic result;
  result.severity = severity;
  result.file = filename_;
  result.line = line_of(begin);
  result.pointer = pointer;
  result.message = std::move(message);
  result.hint = std::move(hint);

  std::size_t line_begin = line_begins_[result.line - 1];
  std::size_t line_end = std::min(text_.find('\n', line_begin), text_.size());
  if (line_end > line_begin && text_[line_end - 1] == '\r') --line_end;
  if (text_.substr(0, 3) == "\xef\xbb\xbf" && line_begin == 0 && begin >= 3) line_begin = 3;
  const std::string_view line = text_.substr(line_begin, line_end - line_begin);
  const std::size_t from = std::min(begin, line_end) - line_begin;
  const std::size_t to = std::clamp(range.end, line_begin + from, line_end) - line_begin;
  result.column = count_characters(line.substr(0, from)) + 1;
  set_excerpt(result, line, {from, to});
  return result;
}

void Diagnostics::error(TextRange range, std::string_view pointer, std::string message,
                        std::string hint) {
  ++error_count_;
  if (errors_.size() == kDiagnosticsMax) return;
  errors_.push_back(
      source_->diagnose(Severity::kError, range, pointer, std::move(message), std::move(hint)));
}

void Diagnostics::warning(TextRange range, std::string_view pointer, std::string message,
                          std::string hint) {
  ++warning_count_;
  if (warnings_.size() == kDiagnosticsMax) return;
  warnings_.push_back(
      source_->diagnose(Severity::kWarning, range, pointer, std::move(message), std::move(hint)));
}

bool Diagnostics::has_error_within(std::string_view pointer) const {
  return std::any_of(errors_.begin(), errors_.end(), [&](const Diagnostic& e) {
    if (!std::string_view(e.pointer).starts_with(pointer)) return false;
    return e.pointer.size() == pointer.size() || e.pointer[pointer.size()] == '/';
  });
}

bool Diagnostics::has_error_at(std::string_view pointer) const {
  return std::any_of(errors_.begin(), errors_.end(),
                     [&](const Diagnostic& e) { return e.pointer == pointer; });
}

std::vector<Diagnostic> Diagnostics::take_errors() {
  return take(errors_, error_count_, "errors");
}

std::vector<Diagnostic> Diagnostics::take_warnings() {
  return take(warnings_, warning_count_, "warnings");
}

std::string format(const Diagnostic& d) {
  std::string result = printable(d.file, 4096);
  if (d.line != 0) result += ':' + std::to_string(d.line) + ':' + std::to_string(d.column);
  result += ": ";
  if (d.severity == Severity::kWarning) result += "warning: ";
  if (!d.pointer.empty()) result += printable(d.pointer, 400) + ": ";
  result += d.message + '\n';
  std::string margin = "      ";
  if (d.line != 0) {
    const std::string number = std::to_string(d.line);
    margin = std::string(std::max<std::size_t>(5, number.size()), ' ');
    result += margin.substr(number.size()) + number + " | " + d.excerpt + '\n';
    result += margin + " | " + std::string(d.mark_begin, ' ') + '^' +
              std::string(d.mark_length - 1, '~') + '\n';
    margin += "   ";
  }
  if (!d.hint.empty()) result += margin + "hint: " + d.hint + '\n';
  return result;
}

std::string format(std::span<const Diagnostic> diagnostics) {
  std::string result;
  for (const Diagnostic& d : diagnostics) result += format(d);
  return result;
}

std::string printable(std::string_view text, std::size_t characters_max) {
  std::string result;
  std::size_t count = 0;
  for_each_printable(text, [&](std::string_view character) {
    if (count++ < characters_max) result += character;
  });
  if (count > characters_max) result += "...";
  return result;
}

std::string in_quotes(std::string_view text, std::size_t characters_max) {
  return '"' + printable(text, characters_max) + '"';
}

std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates) {
  if (name.empty() || name.size() > kNameBytesMax) return std::nullopt;
  const std::string wanted = lower(name);
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kNameBytesMax) continue;
    const std::string known = lower(candidate);
    const bool shares_beginning = std::min(known.size(), wanted.size()) >= kBeginningBytesMin &&
                                  (known.starts_with(wanted) || wanted.starts_with(known));
    const std::size_t distance = shares_beginning ? 1 : edit_distance(wanted, known);
    if (distance >= best_distance || distance >= candidate.size()) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr std::size_t kListedMax = 20;
  if (const auto nearest = nearest_name(name, candidates)) {
    return "did you mean " + in_quotes(*nearest) + '?';
  }
  if (candidates.empty()) return {};
  std::string result = "one of: ";
  for (std::size_t i = 0; i < candidates.size() && i < kListedMax; ++i) {
    if (i != 0) result += ", ";
    result += printable(candidates[i]);
  }
  if (candidates.size() > kListedMax) result += ", ...";
  return result;
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const CodePoint c = decode_utf8(text.substr(offset));
    if (c.length == 0) return offset;
    offset += c.length;
  }
  return std::nullopt;
}

}  // namespace ringcache::config
