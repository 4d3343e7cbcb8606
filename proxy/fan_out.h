// FanOut: what the nodes said so far to a command that went to all of them, and the one answer
// that the client gets.
//
//   flush_all, stats reset   OK (RESET) when every node said so; else SERVER_ERROR with the first
//                            node that did not
//   stats …                  the merged statistics (stats_merge.h) of the nodes that answered, then
//                            END; nodes that did not are left out, as keys of theirs are misses
//
// Not on the hot path; may allocate. Owned by its PendingRequest.
#pragma once

#include <string>
#include <string_view>

#include "protocol/response.h"
#include "proxy/stats_merge.h"

namespace ringcache::proxy {

class FanOut {
 public:
  enum class Kind { kFlushAll, kStats, kStatsSettings, kStatsReset };

  explicit FanOut(Kind kind)
      : kind_(kind), merge_(kind == Kind::kStatsSettings) {}

  // One element of one node's reply.
  void add(std::string_view node, const protocol::Response& response);
  // A node did not answer, `reason` in words.
  void fail(std::string_view node, std::string_view reason);

  // All nodes are through: the whole answer.
  std::string answer() const;
  // No node failed.
  bool good() const { return first_error_.empty(); }

 private:
  Kind kind_;
  StatsMerge merge_;
  std::size_t answered_ = 0;
  std::string first_error_;  // a whole SERVER_ERROR line without CRLF
};

}  // namespace ringcache::proxy
