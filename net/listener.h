#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/connection.h"

/// Accepts connections on a thread of its own and hands them to the workers in turn; those with TLS
/// when their hands are shaken (tls_handshaker.h).
///
/// When the process has no file descriptors left, accepting rests for kAcceptBackOff and goes on;
/// connections wait in the kernel's backlog meanwhile.
///
/// Thread rule: the object is used by one control thread (the main one); the counters may be read
/// by any.
namespace ringcache::net {

class IoThreads;
class TlsContext;

enum class AtConnectionLimit : std::uint8_t {
  kWait,    ///< stop accepting until one closes; clients wait in the backlog
  kRefuse,  ///< accept, send refusal_text, close (memcached's maxconns_fast)
};

struct ListenerOptions {
  /// All of them, or none: one that cannot be bound is an error of start().
  std::vector<Address> addresses;
  /// Accepted connections open at once, over all addresses and workers.
  std::size_t connections_max = 1024;
  AtConnectionLimit at_limit = AtConnectionLimit::kRefuse;
  std::string refusal_text = "ERROR Too many open connections\r\n";
  int backlog = 1024;
  /// Permission bits of UNIX sockets (memcached's -a).
  unsigned unix_mode = 0700;
  ConnectionOptions connection;
  /// TLS on every TCP address of `addresses`; nullptr = none. It must have been refreshed.
  std::shared_ptr<TlsContext> tls;
  /// Further addresses, which never have TLS.
  std::vector<Address> plain_addresses;
};

/// Makes the handler of a new connection, on that connection's worker. The connection owns it and
/// destroys it after on_closed. nullptr closes the connection.
using HandlerFactory = std::function<std::unique_ptr<ConnectionHandler>(Connection&)>;

constexpr std::chrono::milliseconds kAcceptBackOff{50};

class Listener {
 public:
  /// `threads` must be started before start() and outlive the listener.
  Listener(IoThreads& threads, ListenerOptions options, HandlerFactory factory);
  /// As stop().
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Binds every address and begins to accept. An error text that names the address, the cause and
  /// what to do, or nothing. A UNIX socket file that nobody listens on any more is replaced; one
  /// that is in use, or a path that is not a socket, is an error.
  [[nodiscard]] std::optional<std::string> start();
  /// The addresses in the order of the options, plain ones last, with the ports that were really
  /// bound.
  const std::vector<Address>& bound() const { return bound_; }
  /// So many of them, the first, are of `addresses` and have TLS if they are TCP; 0 without TLS.
  std::size_t tls_bound() const { return tls_bound_; }

  /// Accepts no more: sockets are closed, UNIX paths removed. Open connections stay. Idempotent.
  void stop();
  /// stop(), then on_drain for every open connection, then waits until all have closed or `grace`
  /// is over. True: all closed. Those that are left are closed by IoThreads::stop().
  bool drain(std::chrono::milliseconds grace);

  /// Any thread.
  std::size_t connections() const;
  std::uint64_t accepted_total() const;
  std::uint64_t refused_total() const;        ///< at the connection limit
  std::uint64_t accept_errors_total() const;  ///< out of descriptors or memory
  std::size_t handshakes() const;             ///< of TLS, unfinished; they are among connections()
  std::size_t connections_max() const;

 private:
  class Impl;
  struct Drop {
    void operator()(Impl* impl) const;
  };
  std::unique_ptr<Impl, Drop> impl_;  ///< lives on until its last connection is gone
  std::vector<Address> bound_;
  std::size_t tls_bound_ = 0;
};

}  // namespace ringcache::net
