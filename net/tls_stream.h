#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

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
/// Thread rule: belongs to one connection, touched by its worker only.
namespace ringcache::net {

class SocketConnection;
class TlsContext;
class TlsHandshakes;

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

  /// As readv: the bytes put into `room`, in order; 0 when the peer has ended its side; -1 with
  /// errno: EAGAIN when there are none now, EPROTO for what is not TLS.
  ssize_t receive(std::span<const iovec> room);
  bool may_have_more() const { return may_have_more_; }
  bool receive_wants_output() const { return receive_wants_output_; }

  /// As WriteBuffer::flush. `error` EAGAIN: the socket takes no more, or send_wants_input().
  WriteBuffer::FlushResult send(WriteBuffer& out, BlockPool& pool);
  bool send_wants_input() const { return send_wants_input_; }

  /// Tells the peer that nothing follows, if the socket takes it now.
  void send_close_notify();

  TlsContext& context() const { return context_; }

 private:
  friend class TlsHandshakes;
  friend struct TlsSocketBio;
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
  std::uint64_t received_bytes_ = 0;
  std::string failure_;

  // Marks of TlsHandshakes.
  SocketConnection* owner_ = nullptr;
  TlsStream* older_ = nullptr;
  TlsStream* newer_ = nullptr;
};

/// The unfinished handshakes of one worker, oldest first. Belongs to the worker.
class TlsHandshakes {
 public:
  /// The connection that has to make room for one more: the oldest if there are `max`, or nullptr.
  SocketConnection* surplus(std::size_t max) const;
  void add(TlsStream& stream, SocketConnection& owner);
  /// Done or failed. Nothing happens if it is not listed.
  void remove(TlsStream& stream);
  std::size_t size() const { return size_; }

 private:
  TlsStream* oldest_ = nullptr;
  TlsStream* newest_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ringcache::net
