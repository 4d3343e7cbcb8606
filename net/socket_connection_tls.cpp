// What a connection with TLS does beside the rest: reads that must write, records that do not end,
// and shaking hands with a server.
#include <system_error>

#include "net/socket_connection.h"
#include "net/tls_client_context.h"
#include "net/tls_side.h"
#include "net/worker.h"

namespace ringcache::net {

// Before the events are dealt with as for any connection. False: they are dealt with.
bool SocketConnection::before_tls_io(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && tls_->receive_wants_output() && may_read()) read_once();
  if (state_ == State::kClosed) return false;
  if ((events & EPOLLIN) != 0 && tls_->send_wants_input()) send_output();
  return state_ != State::kClosed;
}

void SocketConnection::after_tls_read(bool got_bytes) {
  TlsHalfRecords& half_records = worker_.tls_half_records();
  if (tls_->may_have_more()) {
    worker_.loop().offer_later(*this);
  } else if (!tls_->is_half_way()) {
    half_records.remove(*tls_);
  } else if (got_bytes || !half_records.has(*tls_)) {
    half_records.touch(*tls_, *this);  // what is there is of another record than before
  }
  if (tls_->receive_wants_output()) want(watched_ | EPOLLOUT);
}

void SocketConnection::on_half_record_due() {
  // While we do not read, the rest may well have come.
  if (!may_read()) return worker_.tls_half_records().touch(*tls_, *this);
  tls_->side().count_record_timeout();
  close_with({CloseReason::kError, std::make_error_code(std::errc::timed_out)});
}

void SocketConnection::begin_handshake() {
  tls_ = TlsStream::connecting(connecting_->tls, fd_, connecting_->address);
  if (!tls_) {
    return close_with({CloseReason::kTlsFailed, std::make_error_code(std::errc::not_supported)});
  }
  take_handshake_event();
}

// One step costs what a heavy request costs, so it waits for its turn among those.
void SocketConnection::take_handshake_event() {
  if (in_offers_) return;
  want(0);
  worker_.loop().offer_later(*this);
}

void SocketConnection::step_handshake() {
  switch (tls_->handshake()) {
    case TlsStream::Handshake::kDone:
      return finish_opening();
    case TlsStream::Handshake::kWantsInput:
      return want(EPOLLIN);
    case TlsStream::Handshake::kWantsOutput:
      return want(EPOLLOUT);
    case TlsStream::Handshake::kFailed:
      return close_with({CloseReason::kTlsFailed, std::make_error_code(std::errc::protocol_error)});
  }
}

}  // namespace ringcache::net
