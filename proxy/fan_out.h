// FanOut: what the nodes said so far to a command that went to all of them, and the one answer
// that the client gets.
//
//   kAllMust (flush_all, stats reset, stats detail)
//              what they all said; if one failed, SERVER_ERROR with the first that did; if all
//              refused in the same words, those words
//   kStats     the merged statistics (stats_merge.h) of the nodes that answered, then END; nodes
//              that did not are left out, as their keys are misses
//   kStatsDetail (stats detail dump)
//              the same of counts by prefix (prefix_merge.h)
//
// Not on the hot path; may allocate. Owned by its PendingRequest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/counter.h"
#include "protocol/response.h"
#include "proxy/prefix_merge.h"
#include "proxy/stats_merge.h"

namespace ringcache::proxy {

class FanOut {
 public:
  enum class Kind : std::uint8_t { kAllMust, kStats, kStatsSettings, kStatsDetail };

  // `rows_dropped` counts lines of nodes that found no room in the merged answer (kStatsNamesMax,
  // kPrefixesMergedMax).
  FanOut(Kind kind, net::Counter& rows_dropped)
      : kind_(kind), rows_dropped_(rows_dropped), merge_(kind == Kind::kStatsSettings) {}

  // One element of one node's reply.
  void add(std::string_view node, const protocol::Response& response);
  // A node did not answer, `reason` in words.
  void fail(std::string_view node, std::string_view reason);

  // All nodes are through: the whole answer.
  std::string answer() const;

 private:
  void merge_line(std::string_view line);
  void refuse(std::string_view node, std::string_view what, bool by_protocol);

  Kind kind_;
  net::Counter& rows_dropped_;
  StatsMerge merge_;
  PrefixMerge prefixes_;
  std::size_t answered_ = 0;
  std::string last_line_;     // with which a node ended a good reply: OK, RESET, END
  std::string first_error_;   // a whole SERVER_ERROR line, without CRLF
  std::string common_error_;  // the error line that every node answered, without CRLF
  bool errors_differ_ = false;
};

}  // namespace ringcache::proxy
