// PrefixMerge: one `stats detail dump` made of those of several nodes: the counts of each prefix
// added. Owned by the request that it answers; holds at most kPrefixesMergedMax prefixes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ringcache::proxy {

// Most prefixes of one merged answer; further ones are dropped.
inline constexpr std::size_t kPrefixesMergedMax = 10'000;

class PrefixMerge {
 public:
  // One line "PREFIX <prefix> get <n> hit <n> set <n> del <n>" of one node, without its CRLF.
  // Anything else is passed over. False: dropped, there are kPrefixesMergedMax others.
  bool add(std::string_view line);

  // The merged lines, by name, without the final END.
  void append_to(std::string& out) const;

 private:
  static constexpr std::array<std::string_view, 4> kWords{" get ", " hit ", " set ", " del "};
  using Counts = std::array<std::uint64_t, kWords.size()>;
  std::map<std::string, Counts, std::less<>> counts_;
};

}  // namespace ringcache::proxy
