// What the sessions of one worker share: its executor, its scratch space, its counters, the list of
// its sessions. Made before the workers start, dies after they ended.
//
// Threads: belongs to one worker. Other threads read the counters, and walk `sessions` under its
// lock.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/connection.h"
#include "net/counter.h"
#include "net/credentials.h"
#include "net/histogram.h"
#include "net/log.h"
#include "protocol/authentication.h"
#include "protocol/request.h"
#include "protocol/request_parser.h"
#include "store/executor.h"
#include "store/node_arriving_block.h"
#include "store/node_certificate_loader.h"
#include "store/node_clock.h"
#include "store/node_options.h"
#include "store/node_watchers.h"

namespace ringcache::store {

class NodeSession;

// What a connection is doing, as `stats conns` names it.
enum class SessionState : std::uint8_t {
  kReading,
  kValue,
  kSwallowing,
  kWriting,
  kDumping,
  kWatching
};

// What other threads may see of a session: an entry of its worker's list.
struct SessionEntry {
  explicit SessionEntry(net::Connection& of) : connection(of) {}

  // Others may ask for its address and its socket, which stay as long as the entry is listed.
  net::Connection& connection;
  SessionEntry* previous = nullptr;
  SessionEntry* next = nullptr;
  std::atomic<Seconds> last_command{kClockStart};
  std::atomic<SessionState> state{SessionState::kReading};
};

// The open sessions of one worker. Locked when one opens or closes, and by whoever looks for
// kLookedAtOnce of them: they are asked for the addresses of their sockets meanwhile, and those who
// connect wait.
class SessionList {
 public:
  void add(SessionEntry& entry);
  void remove(SessionEntry& entry);
  // Those that are listed all the time, each once; others perhaps. Any thread.
  template <typename Use>
  void for_each(Use use) {
    const std::lock_guard alone(walk_mutex_);
    std::unique_lock lock(mutex_);
    std::size_t looked_at = 0;
    for (next_seen_ = first_; next_seen_ != nullptr;) {
      const SessionEntry& entry = *next_seen_;
      next_seen_ = entry.next;
      use(entry);
      if (++looked_at % kLookedAtOnce != 0) continue;
      lock.unlock();
      lock.lock();
    }
  }
  static constexpr std::size_t kLookedAtOnce = 32;

 private:
  std::mutex walk_mutex_;  // of who walks; taken before the other one
  std::mutex mutex_;
  SessionEntry* first_ = nullptr;
  SessionEntry* next_seen_ = nullptr;  // moved on by remove()
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
// ArrivingBlocks that a worker keeps for later, of half a KiB each.
inline constexpr std::size_t kSpareArrivingMax = 64;

struct NodeWorker {
  NodeWorker(Store& store, ExecutorHost& host, ValueBudget& budget, const NodeClock& node_clock)
      : executor(store, host, budget, node_clock.unix_offset()), clock(node_clock) {}

  // ArrivingBlocks that no session uses; steady traffic allocates none. After a rush the memory of
  // all but some goes back.
  std::unique_ptr<ArrivingBlock> take_arriving(net::TimerQueue& timers);
  void give_arriving(std::unique_ptr<ArrivingBlock> block);

  // Answers the sessions that wait for loads of certificates up to `number`.
  void finish_refreshes(std::uint64_t number, const std::optional<std::string>& wrong);
  void abandon_refresh(const NodeSession& session);

  // Counts an attempt of a client to say who it is; the log hears of wrong ones.
  void count_authentication(protocol::AuthVerdict verdict, const net::Connection& connection);

  Executor executor;
  const NodeClock clock;
  // The time that a data block may take, beside what its bytes take at the least rate; 0 = any.
  std::chrono::milliseconds upload_timeout{0};
  // Requests of one connection that are executed before others have their turn.
  std::uint32_t requests_per_turn = kRequestsPerTurn;
  // Whether a connection may speak the binary protocol (-B).
  bool binary_protocol = true;
  // Those who watch the node; nullptr = nobody may (-W). Not owned, nor the log of this worker.
  NodeWatchers* watchers = nullptr;
  WatchLog* watch_log = nullptr;
  // Who may use the node; nullptr = anybody. Not owned.
  const net::CredentialFile* credentials = nullptr;
  // In which a new connection must say who it is; 0 = any.
  std::chrono::milliseconds auth_timeout{0};
  // Reads certificates again; nullptr = there are none. Not owned.
  CertificateLoader* certificates = nullptr;
  // Sessions that wait for it, each for the load of that number.
  struct Refresh {
    NodeSession* session;
    std::uint64_t number;
  };
  std::vector<Refresh> refreshes;
  std::array<ParsedRequest, kLookAhead> parsed;
  std::vector<std::unique_ptr<ArrivingBlock>> spare_arriving;  // at most kSpareArrivingMax
  // The listings of those sessions that have one under way.
  struct RunningDump {
    RunningDump(net::Connection& connection, std::unique_ptr<Dump> of, net::Counter& kicks);
    void look_at_pace();

    net::Connection& connection;
    std::unique_ptr<Dump> dump;
    net::Counter& kicks;
    std::uint64_t written_before;
    net::Timer pace;
  };
  std::unordered_map<const NodeSession*, std::unique_ptr<RunningDump>> dumps;
  // Of the session that runs now: what it may still execute, and what it has, for the durations.
  std::uint32_t requests_left = 0;
  std::int64_t leaves_off_ns = 0;  // 0: nothing has been executed yet
  struct {
    std::uint32_t gets = 0;
    std::uint32_t sets = 0;
    std::uint32_t others = 0;
  } executed;
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
  net::Counter dump_kicks;   // connections closed within a listing that they hardly read
  net::Counter auth_cmds;    // names and passwords checked, right or wrong
  net::Counter auth_errors;  // wrong
  net::Counter auth_kicks;   // connections closed by auth_timeout
  net::Counter auth_strays;  // other commands before the password
  net::LogLimiter auth_log;
  net::Counter conn_yields;    // turns that ended at requests_per_turn
  net::Counter output_pauses;  // executions interrupted because a client did not read
};

}  // namespace ringcache::store
