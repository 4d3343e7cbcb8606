#include "net/connection.h"

#include "net/socket_connection.h"
#include "net/worker.h"

namespace ringcache::net {

namespace {

/// Every Connection is one: its constructor is protected, and there is no other subclass.
SocketConnection& socket_of(Connection& connection) {
  return static_cast<SocketConnection&>(connection);
}

}  // namespace

const char* to_string(CloseReason reason) {
  switch (reason) {
    case CloseReason::kLocal:
      return "local";
    case CloseReason::kPeerClosed:
      return "peer_closed";
    case CloseReason::kError:
      return "error";
    case CloseReason::kIdle:
      return "idle";
    case CloseReason::kInputLimit:
      return "input_limit";
    case CloseReason::kNoMemory:
      return "no_memory";
    case CloseReason::kConnectFailed:
      return "connect_failed";
    case CloseReason::kConnectTimeout:
      return "connect_timeout";
    case CloseReason::kShutdown:
      return "shutdown";
  }
  return "unknown";
}

void ConnectionHandler::on_end_of_input(Connection& connection) {
  connection.close_after_flush();
}

void ConnectionHandler::on_drain(Connection& connection) {
  connection.close_after_flush();
}

Connection::Connection(Worker& worker, const ConnectionOptions& options)
    : worker_(worker),
      in_(worker.pool(), options.read_limit_bytes),
      out_(worker.pool()),
      options_(options) {}

void Connection::schedule_flush() {
  worker_.loop().flush_later(socket_of(*this));
}

void Connection::pause_reading() {
  paused_ = true;
}

void Connection::resume_reading() {
  socket_of(*this).resume();
}

void Connection::yield() {
  worker_.loop().offer_later(socket_of(*this));
}

void Connection::close_after_flush() {
  socket_of(*this).begin_close_after_flush();
}

void Connection::close() {
  socket_of(*this).close_with({CloseReason::kLocal, {}});
}

void Connection::abandon() {
  socket_of(*this).abandon_handler();
}

void Connection::count_bytes_into(Counter* read, Counter* written) {
  read_counter_ = read;
  written_counter_ = written;
}

void Connection::set_idle_timeout(std::chrono::milliseconds timeout) {
  options_.idle_timeout = timeout;
  socket_of(*this).arm_idle_timer();
}

}  // namespace ringcache::net
