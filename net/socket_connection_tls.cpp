// What a connection with TLS does beside the rest: reads that must write.
#include "net/socket_connection.h"
#include "net/tls_stream.h"

namespace ringcache::net {

// Before the events are dealt with as for any connection. False: they are dealt with.
bool SocketConnection::before_tls_io(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && tls_->receive_wants_output() && may_read()) read_once();
  if (state_ == State::kClosed) return false;
  if ((events & EPOLLIN) != 0 && tls_->send_wants_input()) send_output();
  return state_ != State::kClosed;
}

}  // namespace ringcache::net
