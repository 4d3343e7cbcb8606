#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/metrics.h"

/// HTTP for operators: GET /metrics, /healthz, /readyz, and what the program adds (status page,
/// API). cpp-httplib on threads of its own; it never touches a worker except through what the
/// callbacks do.
///
/// Everything from outside is bounded: bytes of the head and of the body, time to send a request
/// and to take the answer, connections waiting; a connection carries one request. GET (and HEAD)
/// never change anything. A POST whose Host is not this server or whose Origin is another site's is
/// refused with 403, so a web page that an operator has open cannot reload the configuration. A
/// callback that throws is answered 500 and logged.
namespace ringcache::net {

struct AdminOptions {
  /// TCP; port 0 = any. Loopback unless somebody asked for more.
  Address listen = Address::tcp("127.0.0.1", 0);
  /// Not empty: every request but /healthz and /readyz needs `Authorization: Bearer <token>`.
  std::string bearer_token;
  /// Host names besides numbers and `localhost` under which POST is accepted (a name that an
  /// attacker's DNS points here is not among them).
  std::vector<std::string> allowed_hosts;
  std::size_t body_bytes_max = 64 * 1024;
  std::size_t threads = 2;
  /// Requests waiting for a thread; more are answered 503.
  std::size_t queue_max = 64;
  /// Connections that have not sent the head of their request; they hold no thread. When one more
  /// comes, the oldest of them is closed.
  std::size_t arriving_max = 256;
  /// From accept until the head of the request is there.
  std::chrono::milliseconds head_timeout{2000};
  /// From there until the body is.
  std::chrono::milliseconds read_timeout{5000};
  /// From the first byte of the answer until the last is taken.
  std::chrono::milliseconds write_timeout{5000};
};

struct AdminRequest {
  std::string_view path;
  std::multimap<std::string, std::string> query;  ///< decoded
  std::string_view body;

  /// The first value of a query parameter; nothing if absent.
  std::optional<std::string> parameter(const std::string& name) const;
};

struct AdminResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;

  static AdminResponse json(std::string body, int status = 200);
  static AdminResponse text(std::string body, int status = 200);
  static AdminResponse html(std::string body);
};

/// For /readyz: 200 when ready, else 503; the text, and a line end, is the body.
struct Readiness {
  bool ready = false;
  std::string text;
};

class AdminServer {
 public:
  using Handler = std::function<AdminResponse(const AdminRequest&)>;

  explicit AdminServer(AdminOptions options);
  /// As stop().
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Before start(). Callbacks run on the server's threads, several at once.

  /// Serves `collect` under /metrics, names prefixed, with the process metrics added.
  void set_metrics(std::string prefix, CollectFunction collect);
  /// Without it /readyz says 503.
  void set_readiness(std::function<Readiness()> readiness);
  /// `path` is matched exactly.
  void get(const std::string& path, Handler handler);
  void post(const std::string& path, Handler handler);

  /// Binds and serves. An error text or nothing.
  [[nodiscard]] std::optional<std::string> start();
  /// The address with the port that was really bound; after start().
  const Address& bound() const { return bound_; }
  /// Finishes the requests in hand and ends the threads. Idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  Address bound_;
};

}  // namespace ringcache::net
