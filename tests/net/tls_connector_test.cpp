// The client's side of TLS: whom an outgoing connection believes, what it shows, how long it waits.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "net/connector.h"
#include "net/tls_client_context.h"
#include "tests/net/tls_server_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;
using namespace std::chrono_literals;

namespace {

struct Event {
  enum Kind { kConnected, kBytes, kClosed } kind;
  std::string bytes;  // of kClosed: what TLS says
  CloseReason reason = CloseReason::kLocal;
};

/// The client side of a connection: reports what happens.
class Caller : public ConnectionHandler {
 public:
  void on_connected(Connection&) override { events.put({Event::kConnected, ""}); }
  void on_bytes(Connection& connection) override {
    events.put({Event::kBytes, std::string(connection.in().bytes())});
    connection.in().consume(connection.in().size());
  }
  void on_closed(Connection& connection, const CloseInfo& info) override {
    events.put({Event::kClosed, connection.tls_failure(), info.reason});
  }
  Event next() {
    std::optional<Event> event = events.take();
    REQUIRE(event.has_value());
    return *std::move(event);
  }
  std::string received(std::size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
      const Event event = next();
      REQUIRE(event.kind == Event::kBytes);
      bytes += event.bytes;
    }
    return bytes;
  }
  Mailbox<Event> events;
};

/// One worker that connects. What it connects with is destroyed after its connections.
struct Connecting {
  explicit Connecting(const TlsClientOptions& options)
      : context(std::make_shared<TlsClientContext>(options)) {
    const auto wrong = context->load();
    REQUIRE_MESSAGE(!wrong, wrong.value_or(""));
    REQUIRE(threads.start() == std::nullopt);
  }
  Connection& to(const Address& address, Caller& caller, const std::string& first = "",
                 std::chrono::milliseconds timeout = kPatience) {
    Connection* made = nullptr;
    threads.run_on_all([&](Worker& worker) {
      ConnectOptions options;
      options.timeout = timeout;
      options.tls = context;
      made = &connect(worker, address, options, caller);
      made->out().append(first);
    });
    return *made;
  }
  void send(Connection& connection, const std::string& text) {
    threads.run_on_all([&](Worker&) {
      connection.out().append(text);
      connection.schedule_flush();
    });
  }
  void close(Connection& connection, Caller& caller) {
    threads.run_on_all([&](Worker&) { connection.close(); });
    CHECK(caller.next().kind == Event::kClosed);
  }

  std::shared_ptr<TlsClientContext> context;
  IoThreads threads{{.count = 1, .name = "c", .clock = nullptr}};
};

TlsClientOptions trusting(const Files& files) {
  TlsClientOptions options;
  options.ca_file = files.authority.write(files.folder / "authority.pem");
  options.server_name = "server";
  return options;
}

/// What the handshake came to: empty, or why it failed.
std::string outcome(const TlsClientOptions& options, const Address& address) {
  Caller caller;
  Connecting connecting(options);
  Connection& connection = connecting.to(address, caller, "hello");
  const Event first = caller.next();
  if (first.kind == Event::kClosed) {
    CHECK(first.reason == CloseReason::kTlsFailed);
    CHECK_FALSE(first.bytes.empty());
    return first.bytes;
  }
  REQUIRE(first.kind == Event::kConnected);
  const Event second = caller.next();
  if (second.kind == Event::kClosed) return second.bytes.empty() ? "closed" : second.bytes;
  CHECK(second.bytes == "hello");
  connecting.close(connection, caller);
  return "";
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a TLS server that is who it should be is talked to, with values of any length") {
  const Files files;
  const TlsServer server(files.options);
  TlsClientOptions options = trusting(files);
  SUBCASE("TLS 1.2 and later") {}
  SUBCASE("TLS 1.3") {
    options.min_version = TlsVersion::k13;
  }
  Caller caller;
  Connecting connecting(options);
  Connection& connection = connecting.to(server.address(), caller, "early");
  CHECK(caller.next().kind == Event::kConnected);
  CHECK(caller.received(5) == "early");
  for (const std::size_t bytes : {1, 16'384, 40'000, 3'000'000}) {
    CAPTURE(bytes);
    const std::string text = pattern(bytes);
    connecting.send(connection, text);
    const bool same = caller.received(bytes) == text;
    CHECK(same);
  }
  connecting.close(connection, caller);
  CHECK(server.context->errors() == 0);
  CHECK(server.context->done() == 1);
}

TEST_CASE("a TLS server that is not who it should be is refused, with the reason") {
  Files files;
  TlsClientOptions options = trusting(files);
  SUBCASE("another authority") {
    const Certificate other("other authority");
    options.ca_file = other.write(files.folder / "other.pem");
    const TlsServer server(files.options);
    CHECK(says(outcome(options, server.address()), "unable to get local issuer certificate"));
    server.until([&] { return server.context->errors() == 1; });
  }
  SUBCASE("whom the system trusts is not the authority of the test") {
    options.ca_file.clear();
    const TlsServer server(files.options);
    CHECK(says(outcome(options, server.address()), "bad certificate: "));
  }
  SUBCASE("another name") {
    options.server_name = "cache.example";
    const TlsServer server(files.options);
    CHECK(says(outcome(options, server.address()), "ostname mismatch"));
  }
  SUBCASE("the host that is connected to, where no name is given") {
    options.server_name.clear();
    const TlsServer server(files.options);
    CHECK(says(outcome(options, server.address()), "IP address mismatch"));
    const Address by_name = Address::tcp("localhost", server.address().port);
    CHECK(says(outcome(options, by_name), "ostname mismatch"));
  }
  SUBCASE("expired") {
    const Certificate expired("server", &files.authority, -60);
    expired.write(files.options.chain_file);
    const TlsServer server(files.options);
    CHECK(says(outcome(options, server.address()), "has expired"));
  }
  SUBCASE("none of it matters without verification") {
    const Certificate expired("another", nullptr, -60);
    expired.write(files.options.chain_file);
    options.verify = false;
    const TlsServer server(files.options);
    CHECK(outcome(options, server.address()).empty());
  }
  SUBCASE("no TLS at all") {
    const TlsServer server(files.options);
    const Address& plain = server.server->listener->bound()[1];
    CHECK_FALSE(outcome(options, plain).empty());
  }
  SUBCASE("a name that no certificate can have") {
    options.server_name = std::string(300, 'x');
    const TlsServer server(files.options);
    Caller caller;
    Connecting connecting(options);
    connecting.to(server.address(), caller);
    CHECK(caller.next().reason == CloseReason::kTlsFailed);
  }
}

TEST_CASE("a TLS server that asks for a certificate is shown ours") {
  Files files;
  const Certificate own("proxy", &files.authority);
  const Certificate stranger("stranger");
  files.options.ca_file = files.authority.write(files.folder / "authority.pem");
  files.options.verify = TlsVerify::kRequire;
  const TlsServer server(files.options);
  TlsClientOptions options = trusting(files);
  for (const TlsVersion version : {TlsVersion::k12, TlsVersion::k13}) {
    options.min_version = version;
    options.chain_file = own.write(files.folder / "own.pem");
    CHECK(outcome(options, server.address()).empty());
    options.chain_file = stranger.write(files.folder / "stranger.pem");
    CHECK_FALSE(outcome(options, server.address()).empty());
    options.chain_file.clear();
    CHECK(says(outcome(options, server.address()), "alert certificate required"));
  }
}

TEST_CASE("a TLS server that says nothing costs the time to connect and no more") {
  // It listens and never accepts: the kernel answers for it.
  const Files files;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Endpoint endpoint;
  REQUIRE(numeric_endpoint("127.0.0.1", 0, endpoint));
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.length) == 0);
  REQUIRE(::listen(fd, 8) == 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&endpoint.storage), &endpoint.length);
  Address address;
  std::string error;
  REQUIRE(Address::parse(endpoint.text(), address, error));
  Caller caller;
  Connecting connecting(trusting(files));
  connecting.to(address, caller, "", 20ms);
  CHECK(caller.next().reason == CloseReason::kConnectTimeout);
  ::close(fd);
}

TEST_CASE(
    "many handshakes at once all come to their end, and a close in the middle of one is safe") {
  const Files files;
  const TlsServer server(files.options);
  Connecting connecting(trusting(files));
  constexpr std::size_t kMany = 200;
  std::vector<Caller> callers(kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    Connection& connection = connecting.to(server.address(), callers[i], "hello");
    if (i % 4 == 0) {
      connecting.threads.run_on_all([&](Worker&) {
        if (connection.is_connecting()) connection.abandon();
      });
    }
  }
  for (std::size_t i = 0; i < kMany; ++i) {
    if (i % 4 == 0) continue;  // some of these were up before
    CHECK(callers[i].next().kind == Event::kConnected);
    CHECK(callers[i].received(5) == "hello");
  }
  connecting.threads.stop();
  connecting.threads.join();
}

TEST_CASE("a TLS session is resumed by the next connection to the same server") {
  Files files;
  files.options.session_cache = true;
  const TlsServer server(files.options);
  const TlsServer other(files.options);
  Connecting connecting(trusting(files));
  const auto visit = [&](const Address& address) {
    Caller caller;
    Connection& connection = connecting.to(address, caller, "hello");
    CHECK(caller.next().kind == Event::kConnected);
    CHECK(caller.received(5) == "hello");
    connecting.close(connection, caller);
  };
  visit(server.address());
  CHECK(connecting.context->resumed() == 0);
  visit(server.address());
  visit(server.address());
  CHECK(connecting.context->resumed() == 2);
  visit(other.address());
  CHECK(connecting.context->resumed() == 2);
}

TEST_CASE("files of the client's side that are wrong are named") {
  const Files files;
  const auto wrong = [](const TlsClientOptions& options) {
    return TlsClientContext(options).load().value_or("");
  };
  TlsClientOptions options = trusting(files);
  CHECK(wrong(options).empty());
  options.ca_file = files.folder / "missing.pem";
  CHECK(says(wrong(options), "Error loading the CA certificate: " + options.ca_file));
  options = trusting(files);
  options.chain_file = files.folder.write("garbage.pem", "garbage");
  CHECK(says(wrong(options), "Error loading the certificate chain: " + options.chain_file));
  options.chain_file = files.server.write(files.folder / "server.pem");
  options.key_file = files.authority.write(files.folder / "key.pem");
  CHECK(says(wrong(options), "Error"));
  options = trusting(files);
  options.ciphers = "nonsense";
  CHECK(says(wrong(options), "Error setting the provided cipher(s)"));
}

TEST_CASE("when certificates end is known") {
  Files files;
  const std::int64_t now = ::time(nullptr);
  TlsContext server(files.options);
  REQUIRE_FALSE(server.refresh());
  CHECK(server.not_after_unix_s() - now >= 3590);
  CHECK(server.not_after_unix_s() - now <= 3600);
  // The first that ends counts: one of those behind it in the file, say.
  const Certificate intermediate("intermediate", &files.authority, 60);
  files.folder.write("server.pem", files.server.pem() + intermediate.pem());
  REQUIRE_FALSE(server.refresh());
  CHECK(server.not_after_unix_s() - now <= 70);
  TlsClientContext client(trusting(files));
  REQUIRE_FALSE(client.load());
  CHECK(client.not_after_unix_s() == 0);
}

TEST_CASE("a context takes what another has loaded, and connections of before stay") {
  Files files;
  const TlsServer server(files.options);
  TlsClient before(server.address());
  CHECK(echoed(before, "hello") == "hello");
  const Certificate second("second", &files.authority);
  TlsOptions options = files.options;
  options.chain_file = second.write(files.folder / "second.pem");
  options.session_cache = true;
  {
    TlsContext loaded(options);
    REQUIRE_FALSE(loaded.refresh());
    server.context->take(loaded);
  }
  TlsClient after(server.address());
  CHECK(after.server_name() == "second");
  CHECK(echoed(after, "hello") == "hello");
  CHECK(before.server_name() == "server");
  CHECK(echoed(before, "again") == "again");
  CHECK(server.context->new_sessions() > 0);  // counted where it is now
}
