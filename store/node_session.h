// One client connection of the node: from bytes to requests to the executor, and its answers.
//
//   in() --parse up to kLookAhead requests--> [r0 r1 r2 ...] --prefetch all, then execute in order
//                                                                    |
//   value still arriving: lend its memory to in()  <-----------------+----> out()
//
// Everything that one read brought is executed in one turn (one batch of the store) and leaves in
// one gathered write. Between turns a session holds at most the memory of one arriving value.
//
// Bounded: when the output is above its high-water mark execution stops, also inside a multiget,
// and goes on when it has drained; the connection does not read meanwhile. What was parsed ahead is
// taken back by restoring the parser, so nothing of a request is kept. It stops as well after so
// many requests that others should have their turn (-R), and goes on after them.
//
//   kStranger  with -Y: has not said who it is
//   kFirst     has sent nothing: the first byte tells the protocol
//   kCommands  parse and execute
//   kBinary    the same in the binary protocol (node_session_binary.cpp)
//   kValue     the data block of a storage command is arriving
//   kSwallow   the data block of a refused command is being dropped
//   kDump      a listing is being written, at the pace of the client (executor_dump.h)
//   kRefresh   certificates are being read for it: nothing is read or executed meanwhile
//   kWatch     it said `watch`: lines go out (node_watchers.h), what comes in is dropped
//
// A data block has a time in which all of it must be there, however it comes: what has arrived
// holds memory that other values need.
//
// Threads: the worker of its connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/connection.h"
#include "protocol/request_parser.h"
#include "store/node_arriving_block.h"
#include "store/node_watcher.h"
#include "store/node_worker.h"

namespace ringcache::store {

// Values from here on are read straight into their item when they do not arrive with their command
// line; smaller ones wait in the input.
inline constexpr std::size_t kStreamedValueBytesMin = 4096;
// The least rate at which a data block may arrive, once upload_timeout is over.
inline constexpr std::uint64_t kUploadBytesPerSecondMin = 64 * 1024;
// The most input that may be buffered: one command line and a value just below the limit above, and
// room for pipelines to arrive in large reads.
inline constexpr std::size_t kReadLimitBytes = 256 * 1024;

class NodeSession final : public net::ConnectionHandler {
 public:
  NodeSession(net::Connection& connection, NodeWorker& worker);
  ~NodeSession() override;

  void on_bytes(net::Connection& connection) override;
  void on_drained(net::Connection& connection) override;
  void on_end_of_input(net::Connection& connection) override;
  void on_drain(net::Connection& connection) override;
  void on_closed(net::Connection& connection, const net::CloseInfo& info) override;

  // The answer to `refresh_certs`, from NodeWorker::finish_refreshes.
  void finish_refresh(const std::optional<std::string>& wrong);

 private:
  friend struct ArrivingBlock;  // its timer
  enum class State : std::uint8_t {
    kStranger,
    kFirst,
    kCommands,
    kBinary,
    kValue,
    kSwallow,
    kDump,
    kRefresh,
    kWatch
  };
  // What a step of the loop in run() found.
  enum class Step : std::uint8_t { kAgain, kNeedMore, kOutputFull, kYield, kClose };

  // Whether it may go on with commands.
  bool authenticate(net::Connection& connection);
  void drop_stranger_block(net::ReadBuffer& in);
  void end_if_draining();
  Step run(net::Connection& connection);
  bool turn_is_over();
  Step run_commands(net::Connection& connection);
  Step run_value(net::Connection& connection);
  Step run_swallow(net::Connection& connection);
  // node_session_binary.cpp
  Step choose_protocol(net::Connection& connection);
  Step run_binary(net::Connection& connection);
  Step refuse_binary(net::Connection& connection, const protocol::BinaryRequest& request,
                     std::size_t consumed);
  Step execute_binary(net::Connection& connection, const protocol::BinaryRequest& request,
                      std::size_t consumed);
  Step execute_binary_store(net::Connection& connection, const protocol::BinaryRequest& request,
                            const HashedKey& key, std::size_t consumed);
  void finish_binary_value(net::Connection& connection);
  void swallow(std::uint64_t bytes);
  State commands_state() const { return binary_ ? State::kBinary : State::kCommands; }
  // node_session_refresh.cpp
  Step start_refresh(net::Connection& connection);
  // node_session_dump.cpp
  Step start_dump(net::Connection& connection);
  Step run_dump(net::Connection& connection);
  void abandon_dump();
  // node_session_watch.cpp
  Step run_watch(net::Connection& connection);
  Step start_watching(net::Connection& connection, const protocol::Request& request);
  void stop_watching();
  void record_connection(WatchEventType type, net::CloseReason reason);

  // Parses ahead; returns how many of worker_.parsed are filled. `tail` is set to what was parsed
  // behind them without being a request.
  std::size_t parse_ahead(std::string_view bytes, std::size_t& tail);
  static bool ends_look_ahead(const ParsedRequest& parsed);
  void prefetch(std::size_t count);
  Step execute(net::Connection& connection, ParsedRequest& parsed);
  Step execute_store(net::Connection& connection, ParsedRequest& parsed);
  Step refuse(net::Connection& connection, const ParsedRequest& parsed);
  void lend(net::Connection& connection);
  ArrivingBlock& arriving();
  void begin_upload(std::uint64_t bytes);
  void set_due(std::chrono::nanoseconds time);
  void end_upload();
  void on_upload_timer();
  void take_back(const ParsedRequest& parsed) { parser_ = parsed.before; }
  void count(protocol::Command command);
  void record_durations(net::Connection& connection);
  const net::Connection& connection() const { return entry_.connection; }
  void publish_state();

  // An idle session is all that a connection costs here, so what is needed only during a call or
  // while a block arrives lies with the worker.
  NodeWorker& worker_;
  SessionEntry entry_;
  protocol::RequestParser parser_;
  State state_ = State::kFirst;
  bool output_was_full_ : 1 = false;  // execution stopped for that
  bool yielded_ : 1 = false;          // or so that others have their turn
  bool input_ended_ : 1 = false;      // close when the rest is executed
  bool draining_ : 1 = false;         // the same, but a value that is half-way may end
  bool last_block_ : 1 = false;       // which is awaited now
  bool timed_out_ : 1 = false;        // closed by the timer below
  bool binary_ : 1 = false;           // it speaks the binary protocol
  std::uint16_t keys_answered_ = 0;   // of the retrieval at the front of the input
  bool get_refused_ = false;          // the rest of the multiget at the front is to be dropped
  std::unique_ptr<ArrivingBlock> arriving_;
  std::unique_ptr<NodeWatcher> watcher_;  // while it is one
};

static_assert(sizeof(NodeSession) == 88);

}  // namespace ringcache::store
