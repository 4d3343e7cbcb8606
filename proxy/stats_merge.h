// StatsMerge: one `stats` answer made of the answers of several nodes.
//
// Counters and sizes are added; values that mean nothing when added (ages, times, chunk sizes,
// settings) follow the rule that merge_rule() names. Where nodes disagree about a text, the value
// is "mixed". Statistics keep the order in which they first came. Owned by the request that it
// answers, on one worker; not on the hot path, so it may allocate, but no more than
// kStatsNamesMax names of the bounded length that the response parser lets through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ringcache::proxy {

// Most statistics that one merged answer holds; further names are dropped. `stats slabs` of a node
// with 63 classes has about 800, `stats settings` about 90.
inline constexpr std::size_t kStatsNamesMax = 4096;

enum class MergeRule : std::uint8_t {
  kSum,   // counters, byte counts, connections: the tier's total
  kMax,   // ages and times of day: the largest
  kMin,   // what holds for all: uptime, accepting_conns
  kSame,  // settings and names: the common value, else "mixed"
};

// How the values of the statistic `name` are brought together. `settings` is true for
// `stats settings`, where every value is a setting.
MergeRule merge_rule(std::string_view name, bool settings);

class StatsMerge {
 public:
  explicit StatsMerge(bool settings) : settings_(settings) {}

  // One "STAT <name> <value>" of one node. False: dropped, there are kStatsNamesMax others.
  bool add(std::string_view name, std::string_view value);

  // The merged answer, "STAT <name> <value>\r\n" a line, without the final END.
  void append_to(std::string& out) const;

 private:
  struct Row {
    std::string name;
    std::string text;          // the first node's value
    std::uint64_t whole = 0;   // the merged number, its whole part
    std::uint64_t micros = 0;  // and millionths, for CPU seconds ("12.345678")
    bool numeric = false;
    bool fraction = false;
    bool mixed = false;
  };
  void merge(Row& row, std::string_view value) const;

  bool settings_;
  std::vector<Row> rows_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace ringcache::proxy
