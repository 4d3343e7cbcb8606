// What a session has to do with listings (executor_dump.h): it executes nothing more until its own
// is written, and closes when the client hardly reads it.
#include <memory>
#include <utility>

#include "net/log.h"
#include "net/worker.h"
#include "store/node_session.h"

namespace ringcache::store {

NodeWorker::RunningDump::RunningDump(net::Connection& of_connection, std::unique_ptr<Dump> of,
                                     net::Counter& kicks_counter)
    : connection(of_connection),
      dump(std::move(of)),
      kicks(kicks_counter),
      written_before(of_connection.written_bytes()),
      pace(of_connection.worker().timers(), [this] { look_at_pace(); }) {
  pace.every(kDumpPacePeriod);
}

// With an empty output it is the listing that the client waits for.
void NodeWorker::RunningDump::look_at_pace() {
  const std::uint64_t written = connection.written_bytes();
  const bool hardly_reads = written - std::exchange(written_before, written) < kDumpPaceBytes;
  if (connection.out().empty() || !hardly_reads || !connection.is_open()) return;
  kicks.add();
  net::log_debug("listing given up: its client hardly reads", {{"peer", connection.peer()}});
  connection.close();
}

NodeSession::Step NodeSession::start_dump(net::Connection& connection) {
  worker_.dumps[this] = std::make_unique<NodeWorker::RunningDump>(
      connection, worker_.executor.take_dump(), worker_.dump_kicks);
  state_ = State::kDump;
  return Step::kAgain;
}

// A piece for each turn: others have theirs in between.
NodeSession::Step NodeSession::run_dump(net::Connection& connection) {
  Dump& dump = *worker_.dumps.at(this)->dump;
  if (!worker_.executor.continue_dump(dump, connection.out())) {
    return connection.output_full() ? Step::kOutputFull : Step::kYield;
  }
  abandon_dump();
  state_ = State::kCommands;
  return Step::kAgain;
}

// Its place is free for others.
void NodeSession::abandon_dump() {
  worker_.dumps.erase(this);
}

}  // namespace ringcache::store
