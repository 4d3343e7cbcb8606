// What a session has to do with listings (executor_dump.h): it executes nothing more until its own
// is written.
#include "store/node_session.h"

namespace ringcache::store {

NodeSession::Step NodeSession::start_dump() {
  worker_.dumps[this] = worker_.executor.take_dump();
  state_ = State::kDump;
  return Step::kAgain;
}

// A piece for each turn: others have theirs in between.
NodeSession::Step NodeSession::run_dump(net::Connection& connection) {
  Dump& dump = *worker_.dumps.at(this);
  if (!worker_.executor.continue_dump(dump, connection.out())) {
    return connection.output_full() ? Step::kOutputFull : Step::kYield;
  }
  worker_.dumps.erase(this);
  state_ = State::kCommands;
  return Step::kAgain;
}

}  // namespace ringcache::store
