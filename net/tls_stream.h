#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "net/address.h"
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
class TlsClientContext;
class TlsContext;
class TlsSide;

class TlsStream {
 public:
  /// To accept on `fd`, which the stream does not own. nullptr: no memory. `context` must outlive
  /// it.
  static std::unique_ptr<TlsStream> accepting(TlsContext& context, int fd);
  /// The other side, to the server that `peer` (`host:port`) names. nullptr: no memory, or no name
  /// that a certificate can have.
  static std::unique_ptr<TlsStream> connecting(std::shared_ptr<TlsClientContext> context, int fd,
                                               const Address& peer);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Handshake : std::uint8_t { kDone, kWantsInput, kWantsOutput, kFailed };
  /// As far as the socket lets it.
  Handshake handshake();
  /// Why the handshake, or anything after it, failed; empty: it did not.
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

  TlsSide& side() const { return side_; }
  /// `host:port` of the server; empty: this is the server.
  const std::string& peer() const { return peer_; }

 private:
  friend struct TlsSocketBio;
  friend class TlsHalfRecords;
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };

  TlsStream(TlsSide& side, ssl_st* ssl, int fd) : side_(side), ssl_(ssl), fd_(fd) {}
  bool attach_to_socket();
  void explain_failure();
  int error_of(int result);
  bool write_some(WriteBuffer& out, std::span<char> gathered, WriteBuffer::FlushResult& result);

  TlsSide& side_;
  std::shared_ptr<TlsClientContext> client_;  ///< keeps side_; nullptr: this is the server
  std::string peer_;
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
