#include "net/connection.h"

#include "net/connection_profile.h"
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
    case CloseReason::kTlsFailed:
      return "tls_failed";
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

Connection::Connection(Worker& worker, const ConnectionProfile& profile)
    : worker_(worker),
      in_(worker.pool(), profile.options.read_limit_bytes),
      out_(worker.pool()),
      profile_(worker.profiles().take(profile)) {}

Connection::~Connection() {
  worker_.profiles().give_back(profile_);
}

void Connection::change_profile(const ConnectionProfile& wanted) {
  const ConnectionProfile* const before = profile_;
  profile_ = worker_.profiles().take(wanted);
  worker_.profiles().give_back(before);
}

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
  yielded_ = true;
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

std::string Connection::tls_failure() const {
  const auto& socket = static_cast<const SocketConnection&>(*this);
  return socket.tls_failure();
}

void Connection::count_bytes_into(Counter* read, Counter* written) {
  ConnectionProfile wanted = *profile_;
  wanted.read_counter = read;
  wanted.written_counter = written;
  change_profile(wanted);
}

void Connection::set_idle_timeout(std::chrono::milliseconds timeout) {
  ConnectionProfile wanted = *profile_;
  wanted.options.idle_timeout = timeout;
  change_profile(wanted);
  socket_of(*this).arm_idle_timer();
}

}  // namespace ringcache::net
