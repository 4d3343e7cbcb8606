#include "proxy/prefix_merge.h"

#include <charconv>

namespace ringcache::proxy {

bool PrefixMerge::add(std::string_view line) {
  constexpr std::string_view kStart = "PREFIX ";
  if (!line.starts_with(kStart)) return true;
  line.remove_prefix(kStart.size());
  // From the end on: a binary key may have anything in its prefix.
  Counts counts{};
  for (std::size_t i = kWords.size(); i-- > 0;) {
    const std::size_t at = line.rfind(kWords[i]);
    if (at == std::string_view::npos) return true;
    const std::string_view number = line.substr(at + kWords[i].size());
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), counts[i]);
    if (error != std::errc{} || end != number.data() + number.size()) return true;
    line = line.substr(0, at);
  }
  auto row = counts_.find(line);
  if (row == counts_.end()) {
    if (counts_.size() >= kPrefixesMergedMax) return false;
    row = counts_.emplace(line, Counts{}).first;
  }
  for (std::size_t i = 0; i < counts.size(); ++i) row->second[i] += counts[i];
  return true;
}

void PrefixMerge::append_to(std::string& out) const {
  for (const auto& [prefix, counts] : counts_) {
    out.append("PREFIX ").append(prefix);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      out.append(kWords[i]).append(std::to_string(counts[i]));
    }
    out.append("\r\n");
  }
}

}  // namespace ringcache::proxy
