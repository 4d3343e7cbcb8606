// Which answers a command can have: one row a command. Who reads what a server says (the proxy's
// Upstream) takes anything else for garbage, and the metrics have a row for each way to end.
//
// Source: memcached doc/protocol.txt, what each command's section lists as its answers. An error
// line (section "Error strings") can answer any command.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "protocol/command.h"
#include "protocol/response.h"

namespace ringcache::protocol {

namespace reply_rules {

using Answers = std::uint32_t;  // a bit for each ResponseStatus
static_assert(kResponseStatusCount <= 32);

constexpr Answers any_of(std::initializer_list<ResponseStatus> statuses) {
  Answers answers = 0;
  for (const ResponseStatus status : statuses) answers |= 1U << static_cast<unsigned>(status);
  return answers;
}

constexpr Answers answers_of(Command command) {
  using enum ResponseStatus;
  switch (command) {
    case Command::kGet:
    case Command::kGets:
    case Command::kGat:
    case Command::kGats:
      return any_of({kValue, kEnd});
    case Command::kCas:
      return any_of({kStored, kExists, kNotFound});
    case Command::kDelete:
      return any_of({kDeleted, kNotFound});
    case Command::kIncr:
    case Command::kDecr:
      return any_of({kNumber, kNotFound});
    case Command::kTouch:
      return any_of({kTouched, kNotFound});
    case Command::kMetaGet:
      return any_of({kMetaHit, kMetaValue, kMetaMiss});
    case Command::kMetaSet:
      return any_of({kMetaHit, kMetaNotStored, kMetaExists, kMetaNotFound});
    case Command::kMetaDelete:
      return any_of({kMetaHit, kMetaNotFound, kMetaExists});
    case Command::kMetaArithmetic:
      return any_of({kMetaHit, kMetaValue, kMetaNotFound, kMetaNotStored, kMetaExists});
    case Command::kMetaDebug:
      return any_of({kMetaDebug, kMetaMiss});
    case Command::kMetaNoop:
      return any_of({kMetaNoop});
    case Command::kVersion:
      return any_of({kVersion});
    case Command::kStats:
      return any_of({kStat, kEnd, kOk, kReset});
    case Command::kFlushAll:
    case Command::kVerbosity:
    case Command::kWatch:
    case Command::kRefreshCerts:
    case Command::kLru:
    case Command::kLruCrawler:
    case Command::kSlabs:
    case Command::kCacheMemlimit:
    case Command::kShutdown:
      return any_of({kOk});
    default:  // the other storage commands
      return spec(command).has_value ? any_of({kStored, kNotStored}) : 0;
  }
}

inline constexpr std::array<Answers, kCommandCount> kAnswers = [] {
  std::array<Answers, kCommandCount> table{};
  for (const CommandSpec& row : kCommandTable) {
    table[static_cast<std::size_t>(row.command)] = answers_of(row.command);
  }
  return table;
}();

}  // namespace reply_rules

// Whether a server may answer the command with this status.
constexpr bool may_answer(Command command, ResponseStatus status) {
  const auto answers = reply_rules::kAnswers[static_cast<std::size_t>(command)];
  return is_error(status) || ((answers >> static_cast<unsigned>(status)) & 1U) != 0;
}

}  // namespace ringcache::protocol
