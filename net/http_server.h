#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>

namespace ringcache::net {

/// What one HTTP connection may cost.
struct HttpLimits {
  std::size_t input_bytes_max = 96 * 1024;  ///< request line, headers and body
  std::size_t threads = 2;
  std::size_t queue_max = 64;
  std::chrono::milliseconds input_time{5000};   ///< from accept to the end of the request
  std::chrono::milliseconds output_time{5000};  ///< from there to the end of the answer
};

/// cpp-httplib's server with a bound on everything a client can make it do: it limits a body and a
/// header line, but neither the number of lines nor the time in which they come byte by byte. So
/// the stream that it reads from counts bytes and time, a connection carries one request, and the
/// queue of waiting connections is bounded (what is above it is closed at once).
class HttpServer final : public httplib::Server {
 public:
  explicit HttpServer(const HttpLimits& limits);

  /// Serves on a bound, listening socket, which it closes; returns when stop() was called.
  /// Serving is true while it accepts.
  void serve(int listening_fd);

 private:
  bool process_and_close_socket(socket_t socket) override;

  const HttpLimits limits_;
};

}  // namespace ringcache::net
