// What the sessions of one worker share: its executor, its scratch space, its counters, the list of
// its sessions. Made before the workers start, dies after they ended.
//
// Threads: belongs to one worker. Other threads read the counters, and walk `sessions` under its
// lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/connection.h"
#include "net/counter.h"
#include "net/histogram.h"
#include "net/log.h"
#include "protocol/request.h"
#include "protocol/request_parser.h"
#include "store/executor.h"
#include "store/node_authentication.h"
#include "store/node_clock.h"
#include "store/node_watchers.h"
#include "store/node_credentials.h"
#include "store/node_options.h"

namespace ringcache::store {

// What a connection is doing, as `stats conns` names it.
enum class SessionState : std::uint8_t { kReading, kValue, kSwallowing, kWriting, kWatching };

// What other threads may see of a session: an entry of its worker's list.
struct SessionEntry {
  int fd = -1;
  // The two ends, as `stats conns` writes them. Asked once: whoever walks the list holds up those
  // who connect.
  std::string peer;
  std::string listener;
  std::atomic<SessionState> state{SessionState::kReading};
  std::atomic<Seconds> last_command{kClockStart};
  SessionEntry* previous = nullptr;
  SessionEntry* next = nullptr;
};

// The open sessions of one worker. Locked when one opens or closes and when somebody looks.
class SessionList {
 public:
  void add(SessionEntry& entry);
  void remove(SessionEntry& entry);
  template <typename Use>
  void for_each(Use use) const {
    const std::lock_guard lock(mutex_);
    for (const SessionEntry* entry = first_; entry != nullptr; entry = entry->next) use(*entry);
  }

 private:
  mutable std::mutex mutex_;
  SessionEntry* first_ = nullptr;
};

// One request of those that are parsed ahead, so that their keys can be loaded together.
struct ParsedRequest {
  protocol::ParseResult result = protocol::ParseResult::kNeedMore;
  protocol::Request request;
  protocol::RequestParser before;  // the parser as it was, to take the parse back
  std::size_t begin = 0;           // where the line starts in the input
  std::size_t line_end = 0;        // after the line
  std::size_t end = 0;             // after the data block, if it is all there
  bool has_block = false;          // it is
  HashedKey key{};
};

// Enough to hide the memory latency of a pipeline, and to stay in the cache.
inline constexpr std::size_t kLookAhead = 16;

struct NodeWorker {
  NodeWorker(Store& store, ExecutorHost& host, ValueBudget& budget, const NodeClock& node_clock)
      : executor(store, host, budget, node_clock.unix_offset()), clock(node_clock) {}

  // PendingStores that no session uses; steady traffic allocates none.
  std::unique_ptr<PendingStore> take_pending();
  void give_pending(std::unique_ptr<PendingStore> pending);

  // Counts an attempt of a client to say who it is; the log hears of wrong ones.
  void count_authentication(AuthVerdict verdict, const net::Connection& connection);

  Executor executor;
  const NodeClock clock;
  // The time that a data block may take, beside what its bytes take at the least rate; 0 = any.
  std::chrono::milliseconds upload_timeout{0};
  // Requests of one connection that are executed before others have their turn.
  std::uint32_t requests_per_turn = kRequestsPerTurn;
  // Those who watch the node; nullptr = nobody may (-W). Not owned, nor the log of this worker.
  NodeWatchers* watchers = nullptr;
  WatchLog* watch_log = nullptr;
  // Who may use the node; nullptr = anybody. Not owned.
  const CredentialFile* credentials = nullptr;
  // In which a new connection must say who it is; 0 = any.
  std::chrono::milliseconds auth_timeout{0};
  std::array<ParsedRequest, kLookAhead> parsed;
  std::vector<std::unique_ptr<PendingStore>> spare_pending;
  SessionList sessions;

  // `-vv`: every request line goes to the debug log. Set by any thread.
  std::atomic<bool> trace_requests{false};

  // From the start of the loop turn that read a request to the moment its answer was written.
  net::Histogram get_duration;
  net::Histogram set_duration;
  net::Histogram other_duration;
  net::Counter read_bytes;
  net::Counter written_bytes;
  net::Counter protocol_errors;
  net::Counter idle_kicks;
  net::Counter upload_kicks;
  net::Counter auth_cmds;    // names and passwords checked, right or wrong
  net::Counter auth_errors;  // wrong
  net::Counter auth_kicks;   // connections closed by auth_timeout
  net::Counter auth_strays;  // other commands before the password
  net::LogLimiter auth_log;
  net::Counter conn_yields;    // turns that ended at requests_per_turn
  net::Counter output_pauses;  // executions interrupted because a client did not read
};

}  // namespace ringcache::store
