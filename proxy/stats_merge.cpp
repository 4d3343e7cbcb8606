#include "proxy/stats_merge.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace ringcache::proxy {

namespace {

constexpr std::uint64_t kMicrosPerUnit = 1'000'000;

struct Number {
  std::uint64_t whole = 0;
  std::uint64_t micros = 0;
  bool fraction = false;
};

// Reads "123" or "123.456789"; nothing for any other text.
std::optional<Number> parse_number(std::string_view text) {
  Number number;
  const char* const end = text.data() + text.size();
  auto [after_whole, error] = std::from_chars(text.data(), end, number.whole);
  if (error != std::errc{} || text.empty()) return std::nullopt;
  if (after_whole == end) return number;
  if (*after_whole != '.' || end - after_whole < 2 || end - after_whole > 7) return std::nullopt;
  const char* const digits = after_whole + 1;
  auto [after_digits, digits_error] = std::from_chars(digits, end, number.micros);
  if (digits_error != std::errc{} || after_digits != end) return std::nullopt;
  for (std::ptrdiff_t i = end - digits; i < 6; ++i) number.micros *= 10;
  number.fraction = true;
  return number;
}

// "items:5:age" and "5:chunk_size" are the statistics "age" and "chunk_size" of a slab class.
std::string_view without_class(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool contains(auto const& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

MergeRule merge_rule(std::string_view name, bool settings) {
  // pid must stay a number, since clients read it as one; whose it is means nothing here.
  static constexpr std::array<std::string_view, 7> kLargest{
      "pid", "time", "age", "age_hot", "age_warm", "evicted_time", "log_watchers"};
  static constexpr std::array<std::string_view, 2> kSmallest{"uptime", "accepting_conns"};
  static constexpr std::array<std::string_view, 6> kCommon{
      "pointer_size", "version", "libevent", "chunk_size", "chunks_per_page", "hash_power_level"};
  if (settings) return MergeRule::kSame;
  const std::string_view plain = without_class(name);
  if (contains(kSmallest, plain)) return MergeRule::kMin;
  if (contains(kLargest, plain)) return MergeRule::kMax;
  if (contains(kCommon, plain)) return MergeRule::kSame;
  return MergeRule::kSum;
}

bool StatsMerge::add(std::string_view name, std::string_view value) {
  const auto found = index_.find(std::string(name));
  if (found != index_.end()) {
    merge(rows_[found->second], value);
    return true;
  }
  if (rows_.size() >= kStatsNamesMax) return false;
  Row row{.name = std::string(name), .text = std::string(value)};
  if (const auto number = parse_number(value)) {
    row.numeric = true;
    row.whole = number->whole;
    row.micros = number->micros;
    row.fraction = number->fraction;
  }
  index_.emplace(row.name, rows_.size());
  rows_.push_back(std::move(row));
  return true;
}

void StatsMerge::merge(Row& row, std::string_view value) const {
  const MergeRule rule = merge_rule(row.name, settings_);
  const auto number = parse_number(value);
  if (rule == MergeRule::kSame || !row.numeric || !number) {
    row.mixed = row.mixed || row.text != value;
    return;
  }
  const auto mine = std::pair(row.whole, row.micros);
  const auto theirs = std::pair(number->whole, number->micros);
  auto merged = mine;
  if (rule == MergeRule::kMax) merged = std::max(mine, theirs);
  if (rule == MergeRule::kMin) merged = std::min(mine, theirs);
  if (rule == MergeRule::kSum) {
    merged = {mine.first + theirs.first, mine.second + theirs.second};
    merged.first += merged.second / kMicrosPerUnit;
    merged.second %= kMicrosPerUnit;
  }
  row.whole = merged.first;
  row.micros = merged.second;
  row.fraction = row.fraction || number->fraction;
}

void StatsMerge::append_to(std::string& out) const {
  for (const Row& row : rows_) {
    const bool as_text = !row.numeric || merge_rule(row.name, settings_) == MergeRule::kSame;
    out.append("STAT ").append(row.name).append(" ");
    if (row.mixed) {
      out.append("mixed");
    } else if (as_text) {
      out.append(row.text);
    } else {
      out.append(std::to_string(row.whole));
      if (row.fraction) {
        const std::string digits = std::to_string(row.micros);
        out.append(".").append(6 - digits.size(), '0').append(digits);
      }
    }
    out.append("\r\n");
  }
}

}  // namespace ringcache::proxy
