#include "net/admin_server.h"

#include <prometheus/collectable.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "net/http_server.h"
#include "net/listen_socket.h"
#include "net/log.h"
#include "net/resolver.h"
#include "net/secret.h"

namespace ringcache::net {

namespace {

/// Request line and headers, beside the body.
constexpr std::size_t kHeadBytesMax = 32 * 1024;

HttpLimits limits_of(const AdminOptions& options) {
  HttpLimits limits;
  limits.head_bytes_max = kHeadBytesMax;
  limits.input_bytes_max = kHeadBytesMax + options.body_bytes_max;
  limits.arriving_max = options.arriving_max;
  limits.threads = options.threads;
  limits.queue_max = options.queue_max;
  limits.head_time = options.head_timeout;
  limits.input_time = options.read_timeout;
  limits.output_time = options.write_timeout;
  return limits;
}

/// cpp-httplib takes paths as regular expressions.
std::string literal_pattern(const std::string& path) {
  std::string pattern;
  for (const char c : path) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// `host`, `host:port` or `[v6]:port` without the port and the brackets.
std::string host_of(const std::string& authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.rfind(':'));
}

}  // namespace

std::optional<std::string> AdminRequest::parameter(const std::string& name) const {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

AdminResponse AdminResponse::json(std::string body, int status) {
  return {status, "application/json; charset=utf-8", std::move(body)};
}
AdminResponse AdminResponse::text(std::string body, int status) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}
AdminResponse AdminResponse::html(std::string body) {
  return {200, "text/html; charset=utf-8", std::move(body)};
}

class AdminServer::Impl {
 public:
  explicit Impl(AdminOptions options) : options_(std::move(options)), server_(limits_of(options_)) {
    gets_["/healthz"] = [](const AdminRequest&) { return AdminResponse::text("ok\n"); };
    gets_["/readyz"] = [this](const AdminRequest&) { return readyz(); };
  }

  std::optional<std::string> start(Address& bound);
  void stop();

  AdminOptions options_;
  std::map<std::string, Handler> gets_;
  std::map<std::string, Handler> posts_;
  std::function<Readiness()> readiness_;

 private:
  AdminResponse readyz() const;
  bool before_routing(const httplib::Request& request, httplib::Response& response) const;
  AdminResponse refusal(const httplib::Request& request) const;
  bool post_is_ours(const httplib::Request& request) const;
  static void answer(const Handler& handler, const httplib::Request& request,
                     httplib::Response& response);
  static void write(const AdminResponse& from, httplib::Response& to);

  HttpServer server_;
  std::thread thread_;
};

AdminResponse AdminServer::Impl::readyz() const {
  const Readiness readiness = readiness_ ? readiness_() : Readiness{false, "starting"};
  return AdminResponse::text(readiness.text + '\n', readiness.ready ? 200 : 503);
}

std::optional<std::string> AdminServer::Impl::start(Address& bound) {
  std::vector<ListenSocket> sockets;
  if (auto error = ListenSocket::open(options_.listen, 64, 0700, sockets)) return error;
  bound = sockets.front().bound();
  server_.set_payload_max_length(options_.body_bytes_max);
  server_.set_default_headers({{"Cache-Control", "no-store"},
                               {"X-Content-Type-Options", "nosniff"},
                               {"X-Frame-Options", "DENY"},
                               {"Referrer-Policy", "no-referrer"}});
  server_.set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        return before_routing(request, response) ? httplib::Server::HandlerResponse::Handled
                                                 : httplib::Server::HandlerResponse::Unhandled;
      });
  // Only a POST to a known path gets as far as cpp-httplib's own routing, which reads the body.
  for (const auto& post : posts_) {
    server_.Post(
        literal_pattern(post.first),
        [&handler = post.second](const httplib::Request& request, httplib::Response& response) {
          answer(handler, request, response);
        });
  }
  try {
    thread_ = std::thread([this, fd = sockets.front().release()] { server_.serve(fd); });
  } catch (const std::system_error& error) {
    return std::string("cannot start the admin server's thread: ") + error.what();
  }
  return std::nullopt;
}

void AdminServer::Impl::stop() {
  if (!thread_.joinable()) return;
  server_.end();
  thread_.join();
}

bool AdminServer::Impl::before_routing(const httplib::Request& request,
                                       httplib::Response& response) const {
  const AdminResponse refused = refusal(request);
  if (refused.status != 200) {
    write(refused, response);
    if (refused.status == 405)
      response.set_header("Allow", posts_.contains(request.path) ? "POST" : "GET, HEAD");
    if (refused.status == 401) response.set_header("WWW-Authenticate", "Bearer");
    return true;
  }
  if (request.method == "POST") {
    // Neither length nor chunks: no body (RFC 9112, 6.3), where cpp-httplib waits for the end.
    if (request.has_header("Content-Length") || request.has_header("Transfer-Encoding")) {
      return false;
    }
    answer(posts_.at(request.path), request, response);
    return true;
  }
  answer(gets_.at(request.path), request, response);
  return true;
}

// Status 200: not refused.
AdminResponse AdminServer::Impl::refusal(const httplib::Request& request) const {
  const bool probe = request.path == "/healthz" || request.path == "/readyz";
  if (!options_.bearer_token.empty() && !probe &&
      !equal_secrets(request.get_header_value("Authorization"),
                     "Bearer " + options_.bearer_token)) {
    return AdminResponse::text("missing or wrong bearer token\n", 401);
  }
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  const bool is_post = request.method == "POST";
  const bool has_get = gets_.contains(request.path);
  const bool has_post = posts_.contains(request.path);
  if (!has_get && !has_post) return AdminResponse::text("no such page\n", 404);
  if (!(is_get && has_get) && !(is_post && has_post)) {
    return AdminResponse::text("method not allowed\n", 405);
  }
  if (is_post && !post_is_ours(request)) {
    return AdminResponse::text("refused: Host or Origin belongs to another site\n", 403);
  }
  return {};
}

bool AdminServer::Impl::post_is_ours(const httplib::Request& request) const {
  const std::string authority = request.get_header_value("Host");
  const std::string host = host_of(authority);
  Endpoint unused;
  const bool own = host == "localhost" || numeric_endpoint(host, 0, unused) ||
                   std::find(options_.allowed_hosts.begin(), options_.allowed_hosts.end(), host) !=
                       options_.allowed_hosts.end();
  if (!own) return false;
  if (!request.has_header("Origin")) return true;
  const std::string origin = request.get_header_value("Origin");
  return origin == "http://" + authority || origin == "https://" + authority;
}

void AdminServer::Impl::answer(const Handler& handler, const httplib::Request& request,
                               httplib::Response& response) {
  try {
    write(handler({request.path, request.params, request.body}), response);
  } catch (const std::exception& error) {
    log_error("admin request failed", {{"path", request.path}, {"cause", error.what()}});
    write(AdminResponse::text("internal error\n", 500), response);
  }
}

void AdminServer::Impl::write(const AdminResponse& from, httplib::Response& to) {
  to.status = from.status;
  to.set_content(from.body, from.content_type);
}

AdminServer::AdminServer(AdminOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

AdminServer::~AdminServer() {
  stop();
}

void AdminServer::set_metrics(std::string prefix, CollectFunction collect) {
  const auto collectable =
      make_collectable(std::move(prefix), [collect = std::move(collect)](MetricFamilies& metrics) {
        collect(metrics);
        add_process_metrics(metrics);
      });
  impl_->gets_["/metrics"] = [collectable](const AdminRequest&) {
    return AdminResponse{200, "text/plain; version=0.0.4; charset=utf-8",
                         metrics_text(*collectable)};
  };
}

void AdminServer::set_readiness(std::function<Readiness()> readiness) {
  impl_->readiness_ = std::move(readiness);
}

void AdminServer::get(const std::string& path, Handler handler) {
  impl_->gets_[path] = std::move(handler);
}

void AdminServer::post(const std::string& path, Handler handler) {
  impl_->posts_[path] = std::move(handler);
}

std::optional<std::string> AdminServer::start() {
  return impl_->start(bound_);
}
void AdminServer::stop() {
  impl_->stop();
}

}  // namespace ringcache::net
