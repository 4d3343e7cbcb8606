#include "net/admin_server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/net_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

namespace {

/// An admin server with a page of each kind.
struct TestAdmin {
  explicit TestAdmin(AdminOptions options = {}) : server(std::move(options)) {
    server.set_metrics("test_", [this](MetricFamilies& metrics) {
      metrics.counter("requests_total", "Requests.", 42);
      metrics.gauge("up", "Up.", 1);
      ++scrapes;
    });
    server.set_readiness([this] { return Readiness{ready, ready ? "ready" : "draining"}; });
    server.get("/", [](const AdminRequest&) { return AdminResponse::html("<h1>status</h1>"); });
    server.get("/api/v1/route", [](const AdminRequest& request) {
      return AdminResponse::json("{\"key\":\"" + request.parameter("key").value_or("?") + "\"}");
    });
    server.get("/api/v1/throw", [](const AdminRequest&) -> AdminResponse {
      throw std::runtime_error("internal secret");
    });
    server.post("/api/v1/reload", [this](const AdminRequest& request) {
      ++reloads;
      return AdminResponse::text("body " + std::to_string(request.body.size()) + " dry " +
                                 request.parameter("dry_run").value_or("no"));
    });
    const std::optional<std::string> error = server.start();
    REQUIRE_MESSAGE(!error, error.value_or(""));
  }

  /// Sends `bytes` as they are; the whole answer.
  std::string raw(std::string_view bytes) const {
    Client client(server.bound());
    client.send(bytes);
    return client.receive_all();
  }
  std::string request(const std::string& method, const std::string& target,
                      const std::string& headers = "", const std::string& body = "") const {
    return raw(method + ' ' + target + " HTTP/1.1\r\n" +
               (headers.find("Host:") == std::string::npos ? "Host: 127.0.0.1:9160\r\n" : "") +
               headers +
               (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
               "\r\n" + body);
  }

  std::atomic<bool> ready{false};
  std::atomic<int> scrapes{0};
  std::atomic<int> reloads{0};
  AdminServer server;
};

int status_of(const std::string& answer) {
  if (!answer.starts_with("HTTP/1.1 ")) return 0;
  return std::stoi(answer.substr(9));
}

std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace

TEST_CASE("metrics, health and readiness") {
  TestAdmin admin;
  const std::string metrics = admin.request("GET", "/metrics");
  CHECK(status_of(metrics) == 200);
  CHECK(metrics.find("Content-Type: text/plain; version=0.0.4") != std::string::npos);
  CHECK(body_of(metrics).find("\ntest_requests_total 42\n") != std::string::npos);
  CHECK(body_of(metrics).find("\nprocess_cpu_seconds_total ") != std::string::npos);
  CHECK(body_of(admin.request("GET", "/healthz")) == "ok\n");
  CHECK(status_of(admin.request("GET", "/readyz")) == 503);
  CHECK(body_of(admin.request("GET", "/readyz")) == "draining\n");
  admin.ready = true;
  CHECK(status_of(admin.request("GET", "/readyz")) == 200);
}

TEST_CASE("pages, parameters, HEAD, unknown paths and wrong methods") {
  TestAdmin admin;
  CHECK(body_of(admin.request("GET", "/")) == "<h1>status</h1>");
  CHECK(admin.request("GET", "/").find("text/html") != std::string::npos);
  CHECK(body_of(admin.request("GET", "/api/v1/route?key=a%20b%2Fc&x=1")) == "{\"key\":\"a b/c\"}");
  const std::string head = admin.request("HEAD", "/healthz");
  CHECK(status_of(head) == 200);
  CHECK(body_of(head).empty());
  CHECK(status_of(admin.request("GET", "/nothing")) == 404);
  CHECK(status_of(admin.request("GET", "/apixv1/route")) == 404);
  CHECK(status_of(admin.request("GET", "/../etc/passwd")) == 404);
  CHECK(status_of(admin.request("POST", "/healthz")) == 405);
  CHECK(status_of(admin.request("DELETE", "/")) == 405);
  const std::string get_reload = admin.request("GET", "/api/v1/reload");
  CHECK(status_of(get_reload) == 405);
  CHECK(get_reload.find("Allow: POST") != std::string::npos);
  CHECK(admin.reloads == 0);
}

TEST_CASE("a POST is taken from this server's own names only") {
  AdminOptions options;
  options.allowed_hosts = {"cache.internal"};
  TestAdmin admin(options);
  const auto post = [&](const std::string& headers) {
    return status_of(admin.request("POST", "/api/v1/reload?dry_run=1", headers, "{}"));
  };
  CHECK(body_of(admin.request("POST", "/api/v1/reload?dry_run=1", "", "{}")) == "body 2 dry 1");
  CHECK(post("Host: localhost:9160\r\n") == 200);
  CHECK(post("Host: [::1]:9160\r\n") == 200);
  CHECK(post("Host: cache.internal\r\n") == 200);
  CHECK(post("Host: 127.0.0.1:9160\r\nOrigin: http://127.0.0.1:9160\r\n") == 200);
  const int good = admin.reloads;
  CHECK(post("Host: evil.example\r\n") == 403);
  CHECK(post("Host: evil.example:9160\r\nOrigin: http://evil.example:9160\r\n") == 403);
  CHECK(post("Host: 127.0.0.1:9160\r\nOrigin: http://evil.example\r\n") == 403);
  CHECK(post("Host: 127.0.0.1:9160\r\nOrigin: null\r\n") == 403);
  CHECK(post("Host: 127.0.0.1:9160\r\nOrigin: http://127.0.0.1:80\r\n") == 403);
  CHECK(post("Host: [\r\n") == 403);
  CHECK(post("Host: \r\n") == 403);
  CHECK(admin.reloads == good);
}

TEST_CASE("a POST without a length has no body, and is answered at once") {
  AdminOptions options;
  options.read_timeout = 10min;  // what waiting for a body would take
  TestAdmin admin(options);
  CHECK(body_of(admin.raw("POST /api/v1/reload?dry_run=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) ==
        "body 0 dry 1");
  CHECK(admin.reloads == 1);
}

TEST_CASE("with a token everything but the probes needs it") {
  AdminOptions options;
  options.bearer_token = "s3cret";
  TestAdmin admin(options);
  CHECK(status_of(admin.request("GET", "/metrics")) == 401);
  CHECK(status_of(admin.request("GET", "/metrics", "Authorization: Bearer wrong!\r\n")) == 401);
  CHECK(status_of(admin.request("GET", "/nothing")) == 401);
  CHECK(status_of(admin.request("GET", "/metrics", "Authorization: Bearer s3cret\r\n")) == 200);
  CHECK(status_of(admin.request("GET", "/healthz")) == 200);
  CHECK(status_of(admin.request("GET", "/readyz")) == 503);
}

TEST_CASE("a callback that throws is an error of that request alone, and tells nothing") {
  TestAdmin admin;
  const std::string answer = admin.request("GET", "/api/v1/throw");
  CHECK(status_of(answer) == 500);
  CHECK(answer.find("secret") == std::string::npos);
  CHECK(status_of(admin.request("GET", "/healthz")) == 200);
}

TEST_CASE("hostile requests are answered or dropped, and the next one is served") {
  TestAdmin admin;
  const std::string host = "Host: 127.0.0.1\r\n";
  std::vector<std::string> hostile = {
      "",
      "\r\n",
      "\r\n\r\n",
      "get hello\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
      "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n",
      "GET /" + std::string(8'000, 'a') + " HTTP/1.1\r\n" + host + "\r\n",
      "GET /?" + std::string(8'000, '&') + " HTTP/1.1\r\n" + host + "\r\n",
      "GET /%zz%0%00 HTTP/1.1\r\n" + host + "\r\n",
      "GET / HTTP/1.1\r\n" + host + "X: " + std::string(200'000, 'x') + "\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "Range: bytes=" + std::string(8'000, '0') + "-1\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "Range: bytes=0-1," + std::string(7'000, '1') + "-\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "Range: bytes=5-2\r\n\r\n",
      "POST /api/v1/reload HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
      "POST /api/v1/reload HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
      "POST /api/v1/reload HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
      "POST /api/v1/reload HTTP/1.1\r\n" + host + "Content-Type: multipart/form-data; boundary=" +
          std::string(7'000, 'b') + "\r\nContent-Length: 4\r\n\r\n--bb",
      "POST /api/v1/reload HTTP/1.1\r\n" + host +
          "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",
      std::string("\0\1\2\3\xff\xfe\n\n\n\r\n\r\n", 13),
  };
  std::string many_headers = "GET / HTTP/1.1\r\n" + host;
  for (int count = 0; count < 50'000; ++count) many_headers += "A: b\r\n";
  hostile.push_back(many_headers + "\r\n");
  std::string many_ranges = "GET / HTTP/1.1\r\n" + host + "Range: bytes=0-0";
  for (int count = 0; count < 1'500; ++count) many_ranges += ",0-0";
  hostile.push_back(many_ranges + "\r\n\r\n");
  for (const std::string& bytes : hostile) {
    CAPTURE(bytes.substr(0, 80));
    Client client(admin.server.bound());
    client.send(bytes);
    client.end_output();
    const std::string answer = client.receive_all();
    CHECK(answer.size() < 1'000'000);
    CHECK(status_of(admin.request("GET", "/healthz")) == 200);
  }
}

TEST_CASE("a body above the limit is refused, one at the limit is taken") {
  AdminOptions options;
  options.body_bytes_max = 1000;
  TestAdmin admin(options);
  CHECK(body_of(admin.request("POST", "/api/v1/reload", "", std::string(1000, 'x'))) ==
        "body 1000 dry no");
  CHECK(status_of(admin.request("POST", "/api/v1/reload", "", std::string(1001, 'x'))) == 413);
  CHECK(admin.reloads == 1);
}

TEST_CASE("clients that send nothing, or half of a head, hold no thread") {
  AdminOptions options;
  options.threads = 1;
  options.head_timeout = 10min;
  options.read_timeout = 10min;
  TestAdmin admin(options);
  std::vector<Client> silent;
  for (int count = 0; count < 200; ++count) {
    silent.emplace_back(admin.server.bound());
    if (count % 2 == 1) REQUIRE(silent.back().send("GET / HTTP/1.1\r\nHost: 127."));
  }
  CHECK(status_of(admin.request("GET", "/healthz")) == 200);
  CHECK(status_of(admin.request("GET", "/metrics")) == 200);
  // Whoever finishes is served, a byte at a time or not.
  for (const char c : std::string_view("0.0.1\r\n\r\n")) REQUIRE(silent[1].send({&c, 1}));
  CHECK(status_of(silent[1].receive_all()) == 200);
}

TEST_CASE("when too many are silent the oldest goes, never the newcomer") {
  AdminOptions options;
  options.arriving_max = 2;
  options.head_timeout = 10min;
  TestAdmin admin(options);
  Client first(admin.server.bound());
  Client second(admin.server.bound());
  Client third(admin.server.bound());
  CHECK(first.receive_all() == "");
  CHECK(status_of(admin.request("GET", "/healthz")) == 200);
  CHECK(second.receive_all() == "");
  REQUIRE(third.send("GET /healthz HTTP/1.1\r\n\r\n"));
  CHECK(status_of(third.receive_all()) == 200);
}

TEST_CASE("a head that does not come, or is too large, ends the connection") {
  AdminOptions options;
  options.head_timeout = 20ms;
  TestAdmin admin(options);
  Client silent(admin.server.bound());
  Client slow(admin.server.bound());
  slow.send("GET / HT");  // may be late
  CHECK(silent.receive_all() == "");
  CHECK(slow.receive_all() == "");
  options.head_timeout = 10min;
  TestAdmin patient(options);
  CHECK(status_of(patient.raw("GET /" + std::string(40'000, 'a'))) == 431);
}

TEST_CASE("a body that does not come holds its thread for the read timeout only") {
  AdminOptions options;
  options.threads = 1;
  options.read_timeout = 50ms;
  TestAdmin admin(options);
  Client slow(admin.server.bound());
  REQUIRE(
      slow.send("POST /api/v1/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"));
  CHECK(status_of(admin.request("GET", "/healthz")) == 200);
  CHECK(admin.reloads == 0);
}

TEST_CASE("requests above the queue are told so") {
  AdminOptions options;
  options.threads = 0;
  options.queue_max = 1;
  TestAdmin admin(options);
  Client waiting(admin.server.bound());
  REQUIRE(waiting.send("GET /healthz HTTP/1.1\r\n\r\n"));
  CHECK(status_of(admin.request("GET", "/healthz")) == 503);
  admin.server.stop();
  CHECK(waiting.receive_all() == "");
}

TEST_CASE("an address in use is an error; a stopped server lets go of it") {
  auto first = std::make_unique<TestAdmin>();
  AdminOptions options;
  options.listen = first->server.bound();
  CHECK(options.listen.port != 0);
  AdminServer second(options);
  const std::string error = second.start().value_or("");
  CHECK(error.find(options.listen.text()) != std::string::npos);
  CHECK(error.find("in use") != std::string::npos);
  first->server.stop();
  first->server.stop();
  AdminServer third(options);
  CHECK(third.start() == std::nullopt);
}
