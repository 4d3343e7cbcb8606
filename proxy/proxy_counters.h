// What a proxy counts: per pool and per node, one set for each worker.
//
// A worker writes its own counters without a locked instruction (net/counter.h); the scrape adds up
// the workers. A set is made when a table first names its pool or node and lives as long as the
// process, so the hot path keeps plain pointers and a node that comes back goes on counting.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "net/counter.h"
#include "net/histogram.h"
#include "protocol/command.h"
#include "protocol/response.h"

namespace ringcache::proxy {

// How a command ended for one key: the label `status` of commands_total.
enum class CommandStatus : std::uint8_t {
  kHit,
  kMiss,
  kStored,
  kNotStored,
  kExists,
  kNotFound,
  kDeleted,
  kTouched,
  kOk,
  kError,
};
inline constexpr std::array<std::string_view, 10> kCommandStatusNames{
    "hit",       "miss",    "stored",  "not_stored", "exists",
    "not_found", "deleted", "touched", "ok",         "error"};
inline constexpr std::size_t kCommandStatusCount = kCommandStatusNames.size();

// What a node's answer to one command counts as.
CommandStatus command_status(protocol::Command command, protocol::ResponseStatus status);

// Whether this command can end so: only such rows of commands_total exist.
bool can_end_as(protocol::Command command, CommandStatus status);

// The label `command` of command_duration_seconds.
enum class DurationClass : std::uint8_t { kGet, kSet, kOther };
inline constexpr std::array<std::string_view, 3> kDurationClassNames{"get", "set", "other"};
DurationClass duration_class(protocol::Command command);

// Why a node did not answer a request: the label `reason` of node_errors_total, and the text of
// the SERVER_ERROR that a write gets.
enum class NodeFailure : std::uint8_t {
  kTimeout,
  kRefused,
  kReset,
  kProtocol,
  kOverload,
  kTls,   // it, or we, did not pass the other's test
  kAuth,  // it does not know our password
};
inline constexpr std::array<std::string_view, 7> kNodeFailureNames{
    "timeout", "refused", "reset", "protocol", "overload", "tls", "auth"};
inline constexpr std::array<std::string_view, 7> kNodeFailureTexts{
    "did not answer in time",        "is not reachable",
    "closed the connection",         "answered garbage",
    "has too many requests waiting", "failed the TLS handshake",
    "refused the proxy's password"};

// How an attempt to connect to a node ended: the label `result` of node_connects_total.
enum class ConnectResult : std::uint8_t { kOk, kRefused, kTimeout, kTls, kAuth };
inline constexpr std::array<std::string_view, 5> kConnectResultNames{"ok", "refused", "timeout",
                                                                     "tls", "auth"};

// What became of the copy of a request for another pool: the label `result` of
// shadow_requests_total.
enum class ShadowResult : std::uint8_t {
  kSent,
  kRefused,  // its node is down, or has too much waiting
  kLarge,    // its data block was passed on while it arrived
};
inline constexpr std::array<std::string_view, 3> kShadowResultNames{"sent", "refused", "large"};

struct PoolCounters {
  std::array<std::array<net::Counter, kCommandStatusCount>, protocol::kCommandCount> commands;
  std::array<net::Histogram, kDurationClassNames.size()> duration;
  net::Counter in_flight;     // a gauge
  net::Counter coalesced;     // gets answered with another's reply
  net::Counter gets_limited;  // keys above the pool's rate limit
  net::Counter sets_limited;
  std::array<net::Counter, kShadowResultNames.size()> shadows;
  net::Counter replica_reads;    // asked of another node, after a miss or a failure
  net::Counter replica_repairs;  // copies given to a node that had not got them
  net::Counter near_hits;        // gets answered by the near cache
  net::Counter near_bytes;       // a gauge: what it holds

  void count(protocol::Command command, CommandStatus status, std::uint64_t keys = 1) {
    commands[static_cast<std::size_t>(command)][static_cast<std::size_t>(status)].add(keys);
  }
};

struct NodeCounters {
  net::Counter requests;
  net::Counter hits;
  net::Counter misses;
  std::array<net::Counter, kNodeFailureNames.size()> errors;
  std::array<net::Counter, kConnectResultNames.size()> connects;
  net::Counter health_check_failures;
  net::Counter idle_closes;         // connections closed as nobody needed them
  net::Counter large_requests;      // sent by connections for large values
  net::Counter uploads;             // data blocks passed on while they came
  net::Counter values_cut_through;  // passed on while they arrived
  net::Counter reading_held;        // times that a slow client held up reading
  net::Counter read_bytes;
  net::Counter written_bytes;
  net::Counter in_flight;    // a gauge
  net::Counter connections;  // a gauge
  net::Histogram duration;
};

// Why bytes of a client were refused: the label `kind` of protocol_errors_total.
enum class ProtocolError : std::uint8_t { kCommand, kTooLarge, kDataChunk, kCommandTooLong };
inline constexpr std::array<std::string_view, 4> kProtocolErrorNames{"command", "value_too_large",
                                                                     "data_chunk", "line_too_long"};

// Why the proxy itself closed a client's connection: limits that a client ran into.
enum class ClientCut : std::uint8_t {
  kOutputLimit,
  kMemory,
  kStrangerOutput,
  kValueCutShort,
  kStalled
};
inline constexpr std::array<std::string_view, 5> kClientCutNames{
    "output_limit", "memory", "stranger_output", "value_cut_short", "stalled"};

// What came of a client's words where a password is asked for: the label `result` of
// client_auth_total.
enum class ClientAuth : std::uint8_t { kGranted, kWrong, kMalformed, kTimeout };
inline constexpr std::array<std::string_view, 4> kClientAuthNames{"granted", "wrong", "malformed",
                                                                  "timeout"};

// Everything one worker counts.
class WorkerCounters {
 public:
  net::Counter client_read_bytes;
  net::Counter client_written_bytes;
  std::array<net::Counter, kProtocolErrorNames.size()> protocol_errors;
  std::array<net::Counter, kClientCutNames.size()> clients_cut;
  std::array<net::Counter, kClientAuthNames.size()> client_auth;
  net::Counter stats_rows_dropped;  // of merged answers to stats

  // Finds or makes the set of a pool or of a node. Any thread; takes a lock. The reference stays
  // good for the life of this object.
  PoolCounters& pool(const std::string& pool);
  NodeCounters& node(const std::string& pool, const std::string& node);

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<PoolCounters>> pools_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<NodeCounters>> nodes_;
};

}  // namespace ringcache::proxy
