// What a session has to do with listings (executor_dump.h): it executes nothing more until its own
// is written, and closes when the client stops reading it.
#include <algorithm>
#include <chrono>

#include "net/log.h"
#include "store/node_session.h"

namespace ringcache::store {

// The connection knows best whether a client reads (net/connection.h, idle_timeout): the listing
// only makes it look, or look sooner.
NodeSession::Step NodeSession::start_dump(net::Connection& connection) {
  const std::chrono::milliseconds before = connection.options().idle_timeout;
  const std::chrono::milliseconds stall = kDumpStallMax;
  worker_.dumps[this] = {worker_.executor.take_dump(), before};
  connection.set_idle_timeout(before.count() > 0 ? std::min(before, stall) : stall);
  state_ = State::kDump;
  return Step::kAgain;
}

// A piece for each turn: others have theirs in between.
NodeSession::Step NodeSession::run_dump(net::Connection& connection) {
  NodeWorker::RunningDump& running = worker_.dumps.at(this);
  if (!worker_.executor.continue_dump(*running.dump, connection.out())) {
    return connection.output_full() ? Step::kOutputFull : Step::kYield;
  }
  connection.set_idle_timeout(running.idle_timeout);
  worker_.dumps.erase(this);
  state_ = State::kCommands;
  return Step::kAgain;
}

// The connection is gone. Its place is free for others.
void NodeSession::abandon_dump(const net::CloseInfo& info) {
  worker_.dumps.erase(this);
  if (info.reason != net::CloseReason::kIdle) return;
  worker_.dump_kicks.add();
  net::log_debug("listing given up: nobody reads it", {{"peer", connection().peer()}});
}

}  // namespace ringcache::store
