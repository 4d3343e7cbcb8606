#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "net/clock.h"
#include "net/tls_hello_guard.h"
#include "net/write_buffer.h"

struct bio_st;
struct ssl_st;

/// TLS between a connection and its non-blocking socket: what goes through here is plain, what goes
/// through the socket is not. Reads and writes as the system calls do, so that the connection does
/// not know the difference:
///
///     handler <- in_  <- receive() <- SSL <- recv  <- socket
///     handler -> out_ -> send()    -> SSL -> send  -> socket
///
/// Two things are different, and the connection asks after each call:
///  - may_have_more(): bytes were taken from the socket that receive() has not given out; the
///    socket will not report them again.
///  - receive_wants_output() and send_wants_input(): a message of TLS itself (a new key, say) has
///    to be written before reading goes on, or read before writing does.
///
/// A peer that asks for new keys twice while a record for it is half sent is cut off: OpenSSL 3.0
/// answers such requests between records only, and keeps one (openssl/openssl issue 13729).
///
/// An idle one holds OpenSSL's state (about 15 KiB) and no buffer.
///
/// Thread rule: belongs to one thread at a time: a handshaker's, then that of the connection's
/// worker.
namespace ringcache::net {

class SocketConnection;
class TlsContext;

class TlsStream {
 public:
  /// To accept on `fd`, which the stream does not own. nullptr: no memory. `context` must outlive
  /// it.
  static std::unique_ptr<TlsStream> accepting(TlsContext& context, int fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Handshake : std::uint8_t { kDone, kWantsInput, kWantsOutput, kFailed };
  /// As far as the socket lets it.
  Handshake handshake();
  /// Why it failed.
  const std::string& failure() const { return failure_; }
  /// No byte has come from the peer.
  bool is_silent() const { return received_bytes_ == 0; }
  /// Bytes have gone to the peer: its hello is answered.
  bool has_sent() const { return has_sent_; }

  /// As readv: the bytes put into `room`, in order; 0 when the peer has ended its side; -1 with
  /// errno: EAGAIN when there are none now, EPROTO for what is not TLS.
  ssize_t receive(std::span<const iovec> room);
  bool may_have_more() const { return may_have_more_; }
  bool receive_wants_output() const { return receive_wants_output_; }
  /// After a receive() that found no more: OpenSSL holds the beginning of a record, or of a message
  /// of TLS itself, and a buffer of 17 KiB for it.
  bool is_half_way() const;

  /// As WriteBuffer::flush. `error` EAGAIN: the socket takes no more, or send_wants_input().
  WriteBuffer::FlushResult send(WriteBuffer& out, BlockPool& pool);
  bool send_wants_input() const { return send_wants_input_; }

  /// Tells the peer that nothing follows, if the socket takes it now.
  void send_close_notify();

  TlsContext& context() const { return context_; }

 private:
  friend struct TlsSocketBio;
  friend class TlsHalfRecords;
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };

  TlsStream(TlsContext& context, ssl_st* ssl, int fd) : context_(context), ssl_(ssl), fd_(fd) {}
  int error_of(int result);
  bool write_some(WriteBuffer& out, std::span<char> gathered, WriteBuffer::FlushResult& result);

  TlsContext& context_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  const int fd_;
  int socket_error_ = 0;  ///< errno of the last call on the socket that failed
  bool socket_ended_ = false;
  bool may_have_more_ = false;
  bool receive_wants_output_ = false;
  bool send_wants_input_ = false;
  bool has_sent_ = false;
  TlsHelloGuard hello_guard_;
  /// Mark of TlsHalfRecords.
  struct HalfRecord {
    SocketConnection* owner = nullptr;  ///< nullptr: not listed
    TlsStream* older = nullptr;
    TlsStream* newer = nullptr;
    SteadyNs began_ns = 0;
  };
  HalfRecord half_record_;
  std::uint64_t received_bytes_ = 0;
  std::string failure_;
};

}  // namespace ringcache::net
