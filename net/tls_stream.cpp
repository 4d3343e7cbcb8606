#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "net/tls_client_context.h"
#include "net/tls_context.h"

namespace ringcache::net {

/// OpenSSL's way to the socket. Its own would raise SIGPIPE, and would not say what went wrong.
struct TlsSocketBio {
  static BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = make();
    return kMethod;
  }

 private:
  static BIO_METHOD* make() {
    BIO_METHOD* const method =
        ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringcache socket");
    if (method == nullptr) return nullptr;
    ::BIO_meth_set_read(method, read);
    ::BIO_meth_set_write(method, write);
    ::BIO_meth_set_ctrl(method, control);
    return method;
  }

  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(::BIO_get_data(bio)); }

  static int read(BIO* bio, char* to, int bytes) {
    TlsStream& stream = stream_of(bio);
    ::BIO_clear_retry_flags(bio);
    ssize_t count = 0;
    do {
      count = ::recv(stream.fd_, to, static_cast<std::size_t>(bytes), 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) stream.received_bytes_ += static_cast<std::uint64_t>(count);
    if (count > 0 && !stream.hello_guard_.take({to, static_cast<std::size_t>(count)})) {
      stream.socket_error_ = EMSGSIZE;
      return -1;
    }
    if (count == 0) stream.socket_ended_ = true;
    if (count < 0 && errno == EAGAIN) ::BIO_set_retry_read(bio);
    if (count < 0 && errno != EAGAIN) stream.socket_error_ = errno;
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* from, int bytes) {
    TlsStream& stream = stream_of(bio);
    ::BIO_clear_retry_flags(bio);
    ssize_t count = 0;
    do {
      count =
          ::send(stream.fd_, from, static_cast<std::size_t>(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count > 0) stream.has_sent_ = true;
    if (count < 0 && errno == EAGAIN) ::BIO_set_retry_write(bio);
    if (count < 0 && errno != EAGAIN) stream.socket_error_ = errno;
    return static_cast<int>(count);
  }

  static long control(BIO* bio, int command, long, void*) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_EOF:
        return stream_of(bio).socket_ended_ ? 1 : 0;
      default:
        return 0;
    }
  }
};

void TlsStream::FreeSsl::operator()(ssl_st* ssl) const {
  ::SSL_free(ssl);
}

TlsStream::~TlsStream() {
  // Else OpenSSL calls the session of a connection that did not end in order one not to be resumed.
  if (client_ && ssl_) ::SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

std::unique_ptr<TlsStream> TlsStream::accepting(TlsContext& context, int fd) {
  std::unique_ptr<TlsStream> stream(new TlsStream(context, context.new_session(), fd));
  if (!stream->attach_to_socket()) return nullptr;
  ::SSL_set_accept_state(stream->ssl_.get());
  return stream;
}

std::unique_ptr<TlsStream> TlsStream::connecting(std::shared_ptr<TlsClientContext> context, int fd,
                                                 const Address& peer) {
  std::unique_ptr<TlsStream> stream(new TlsStream(*context, context->new_session(peer), fd));
  stream->client_ = std::move(context);
  stream->peer_ = peer.text();
  stream->hello_guard_.turn_off();
  if (!stream->attach_to_socket()) return nullptr;
  SSL_set_app_data(stream->ssl_.get(), stream.get());
  ::SSL_set_connect_state(stream->ssl_.get());
  return stream;
}

bool TlsStream::attach_to_socket() {
  BIO_METHOD* const method = TlsSocketBio::method();
  BIO* const bio = method != nullptr ? ::BIO_new(method) : nullptr;
  if (!ssl_ || bio == nullptr) {
    ::BIO_free(bio);
    return false;
  }
  ::BIO_set_data(bio, this);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_.get(), bio, bio);  // owns it from here on
  return true;
}

// What the last call on `ssl_` ran into, as one of OpenSSL's SSL_ERROR_*; for the fatal ones errno
// and failure_ say more.
int TlsStream::error_of(int result) {
  const int kind = ::SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_SYSCALL || kind == SSL_ERROR_SSL) {
    failure_ = take_openssl_error();
    if (socket_error_ != 0) failure_ = std::generic_category().message(socket_error_);
    if (failure_.empty()) failure_ = "the peer has closed";
    errno = socket_error_ != 0 ? socket_error_ : EPROTO;
  }
  if (kind == SSL_ERROR_ZERO_RETURN) errno = EPIPE;
  return kind;
}

TlsStream::Handshake TlsStream::handshake() {
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl_.get());
  if (result == 1) {
    if (client_ && ::SSL_session_reused(ssl_.get()) == 1) client_->count_resumed();
    may_have_more_ = true;  // the first request often comes with the end of the handshake
    return Handshake::kDone;
  }
  switch (error_of(result)) {
    case SSL_ERROR_WANT_READ:
      return Handshake::kWantsInput;
    case SSL_ERROR_WANT_WRITE:
      return Handshake::kWantsOutput;
    case SSL_ERROR_ZERO_RETURN:
      failure_ = "the peer has closed";
      [[fallthrough]];
    default:
      explain_failure();
      return Handshake::kFailed;
  }
}

// OpenSSL says only that the peer's certificate is not good.
void TlsStream::explain_failure() {
  const long verdict = ::SSL_get_verify_result(ssl_.get());
  if (client_ && verdict != X509_V_OK) {
    failure_ = std::string("bad certificate: ") + ::X509_verify_cert_error_string(verdict);
  }
}

ssize_t TlsStream::receive(std::span<const iovec> room) {
  ::ERR_clear_error();
  receive_wants_output_ = false;
  std::size_t total = 0;
  for (const iovec& piece : room) {
    std::size_t filled = 0;
    while (filled < piece.iov_len) {
      std::size_t count = 0;
      const int result = ::SSL_read_ex(ssl_.get(), static_cast<char*>(piece.iov_base) + filled,
                                       piece.iov_len - filled, &count);
      if (result == 1) {
        filled += count;
        total += count;
        continue;
      }
      const int kind = error_of(result);
      receive_wants_output_ = kind == SSL_ERROR_WANT_WRITE;
      const bool wait = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
      // An end or an error behind bytes is found again by the next call.
      may_have_more_ = !wait && total > 0;
      if (total > 0) return static_cast<ssize_t>(total);
      if (kind == SSL_ERROR_ZERO_RETURN) return 0;
      if (wait) errno = EAGAIN;
      return -1;
    }
  }
  may_have_more_ = true;
  return static_cast<ssize_t>(total);
}

bool TlsStream::is_half_way() const {
  // OpenSSL counts a record's body only when it has some of it; before, it says what it waits for.
  const std::string_view waits_for = ::SSL_rstate_string(ssl_.get());
  return ::SSL_has_pending(ssl_.get()) == 1 || waits_for == "RB" || ::SSL_in_init(ssl_.get()) != 0;
}

WriteBuffer::FlushResult TlsStream::send(WriteBuffer& out, BlockPool& pool) {
  ::ERR_clear_error();
  send_wants_input_ = false;
  WriteBuffer::FlushResult result;
  // Borrowed for this call: thousands of connections share what one needs at a time.
  const Block block = pool.borrow(side_.write_bytes());
  if (block.data == nullptr) return {0, ENOMEM};
  const std::span<char> gathered(block.data, side_.write_bytes());
  while (!out.empty() && write_some(out, gathered, result)) {
  }
  pool.give_back(block);
  return result;
}

// One SSL_write: of a large piece from where it lies, else of small pieces put together. When the
// socket takes no more the record is kept by OpenSSL, encrypted, and its bytes stay in `out`; the
// next call begins with the same bytes and at least as many, which is what OpenSSL asks for. False:
// no more for now.
bool TlsStream::write_some(WriteBuffer& out, std::span<char> gathered,
                           WriteBuffer::FlushResult& result) {
  std::array<iovec, 64> pieces;
  const std::size_t count = out.gather(pieces);
  const char* data = static_cast<const char*>(pieces[0].iov_base);
  std::size_t bytes = std::min(pieces[0].iov_len, gathered.size());
  if (count > 1 && bytes < gathered.size()) {
    bytes = 0;
    for (std::size_t index = 0; index < count && bytes < gathered.size(); ++index) {
      const std::size_t part = std::min(pieces[index].iov_len, gathered.size() - bytes);
      std::memcpy(gathered.data() + bytes, pieces[index].iov_base, part);
      bytes += part;
    }
    data = gathered.data();
  }
  std::size_t written = 0;
  const int done = ::SSL_write_ex(ssl_.get(), data, bytes, &written);
  if (done == 1) {
    out.consume(written);
    result.sent_bytes += written;
    return true;
  }
  const int kind = error_of(done);
  send_wants_input_ = kind == SSL_ERROR_WANT_READ;
  const bool wait = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
  result.error = wait ? EAGAIN : errno;
  return false;
}

void TlsStream::send_close_notify() {
  ::ERR_clear_error();
  if (::SSL_in_init(ssl_.get()) == 0) ::SSL_shutdown(ssl_.get());
}

}  // namespace ringcache::net
