// What a connection with TLS does beside the rest: the handshake, and reads that must write.
#include <cerrno>
#include <utility>

#include "net/socket_connection.h"
#include "net/tls_context.h"
#include "net/worker.h"

namespace ringcache::net {

void SocketConnection::begin_tls(std::unique_ptr<TlsStream> tls) {
  if (!tls) return close_with({CloseReason::kNoMemory, {}});
  tls_ = std::move(tls);
  state_ = State::kHandshaking;
  const TlsOptions& options = tls_->context().options();
  // A flood of half-way clients costs a bounded amount of memory, and each other their turn.
  TlsHandshakes& handshakes = worker_.tls_handshakes();
  if (SocketConnection* const oldest = handshakes.surplus(options.handshakes_max)) {
    oldest->tls_->context().count_dropped();
    oldest->close_with({CloseReason::kLocal, {}});
  }
  handshakes.add(*tls_, *this);
  set_deadline(options.handshake_timeout);
}

void SocketConnection::drop_handshake() {
  tls_->context().count_timeout();
  close_with({CloseReason::kIdle, {}});
}

void SocketConnection::fail_handshake() {
  const int error = errno;
  tls_->context().count_error(peer(), tls_->failure(), tls_->is_silent(), worker_.now_ns());
  close_with({CloseReason::kError, {error, std::system_category()}});
}

void SocketConnection::continue_handshake() {
  switch (tls_->handshake()) {
    case TlsStream::Handshake::kWantsInput:
      return want(EPOLLIN);
    case TlsStream::Handshake::kWantsOutput:
      return want(EPOLLOUT);
    case TlsStream::Handshake::kFailed:
      return fail_handshake();
    case TlsStream::Handshake::kDone:
      break;
  }
  worker_.tls_handshakes().remove(*tls_);
  deadline_->timer.cancel();
  state_ = State::kOpen;
  last_moved_ns_ = worker_.now_ns();
  want(EPOLLIN);
  if (state_ == State::kOpen) profile_->group->on_secured(*this);
  if (may_read()) read_once();
}

// Before the events are dealt with as for any connection. False: they are dealt with.
bool SocketConnection::before_tls_io(std::uint32_t events) {
  if (state_ == State::kHandshaking) {
    continue_handshake();
    return false;
  }
  if ((events & EPOLLOUT) != 0 && tls_->receive_wants_output() && may_read()) read_once();
  if (state_ == State::kClosed) return false;
  if ((events & EPOLLIN) != 0 && tls_->send_wants_input()) send_output();
  return state_ != State::kClosed;
}

}  // namespace ringcache::net
