#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>

namespace ringcache::net {

/// What HTTP clients may cost.
struct HttpLimits {
  std::size_t head_bytes_max = 32 * 1024;   ///< request line and headers; larger: 431
  std::size_t input_bytes_max = 96 * 1024;  ///< and the body
  std::size_t arriving_max = 256;  ///< connections whose head is not there; the oldest must go
  std::size_t threads = 2;
  std::size_t queue_max = 64;  ///< requests that wait for a thread; more are answered 503
  std::chrono::milliseconds head_time{2000};    ///< from accept to the end of the head
  std::chrono::milliseconds input_time{5000};   ///< from a thread's start to the end of the body
  std::chrono::milliseconds output_time{5000};  ///< from there to the end of the answer
};

/// cpp-httplib's request handling with a bound on everything a client can make it do.
///
///     accept -> arriving: one thread polls them all, until the head is there
///            -> queue -> a few threads: cpp-httplib parses, routes, answers -> close
///
/// A client that sends nothing, or its head byte by byte, costs a descriptor and a little memory,
/// never a thread; when there are too many of them, the one that came first is closed, so whoever
/// comes now is served. A connection carries one request. cpp-httplib limits a body and a header
/// line, but neither the number of lines nor the time: the stream that it reads from does.
class HttpServer final : public httplib::Server {
 public:
  /// Throws std::system_error when the process has no descriptors left.
  explicit HttpServer(const HttpLimits& limits);
  ~HttpServer() override;

  /// Serves on a bound, listening socket, which it closes; returns when end() is called, or was.
  void serve(int listening_fd);
  /// Ends serve(): what has a thread is finished, the rest is closed. Any thread. (stop() belongs
  /// to an accept loop that is not used.)
  void end();

 private:
  class Workers;
  struct Arriving;
  class Door;

  void answer(int fd, const std::string& head);

  const HttpLimits limits_;
  int end_event_;
};

}  // namespace ringcache::net
