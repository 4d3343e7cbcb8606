// TLS over real sockets: what the handler sees, what a client that misbehaves gets.
#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/tls_server_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;

TEST_CASE("what goes in comes out, whatever its length and the version") {
  const Files files;
  const TlsServer server(files.options);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TlsClient client(server.address(), nullptr, version);
    REQUIRE(client.connected());
    for (const std::size_t bytes : {1, 100, 16'383, 16'384, 16'385, 40'000, 200'000}) {
      CAPTURE(bytes);
      const std::string text = pattern(bytes);
      const bool same = echoed(client, text) == text;
      CHECK(same);
    }
  }
  CHECK(server.context->errors() == 0);
}

TEST_CASE("an old version is refused") {
  const Files files;
  const TlsServer server(files.options);
  const TlsClient client(server.address(), nullptr, TLS1_1_VERSION);
  CHECK_FALSE(client.connected());
  server.until([&] { return server.context->errors() == 1; });
}

TEST_CASE("plain addresses stay plain, and so do UNIX sockets") {
  const Files files;
  ListenerOptions listener;
  listener.addresses = {Address::tcp("127.0.0.1", 0), Address::unix_path("net_test_tls.sock")};
  const TlsServer server(files.options, TlsServer::echoing(), listener);
  const std::vector<Address>& bound = server.server->listener->bound();
  REQUIRE(bound.size() == 3);
  for (const std::size_t index : {1, 2}) {
    Client client(bound[index]);
    REQUIRE(client.send("hello"));
    CHECK(client.receive(5) == "hello");
  }
  TlsClient client(bound[0]);
  CHECK(echoed(client, "hello") == "hello");
}

TEST_CASE("large slices that a slow client reads late arrive whole") {
  const Files files;
  static const std::string value = pattern(3'000'000);
  struct Answer : ConnectionHandler {
    void on_bytes(Connection& connection) override {
      connection.in().consume(connection.in().size());
      connection.out().append("head");
      connection.out().append_slice(
          value, [](void*, void*) {}, nullptr, nullptr);
      connection.out().append("tail");
      if (connection.output_full()) return;
    }
    void on_closed(Connection&, const CloseInfo&) override {}
  };
  TlsOptions options = files.options;
  SUBCASE("16 KiB at once") {}
  SUBCASE("1 KiB at once") {
    options.write_bytes = 1024;
  }
  SUBCASE("100 KiB at once") {
    options.write_bytes = 100 * 1024;
  }
  const TlsServer server(options, [](Connection&) { return std::make_unique<Answer>(); });
  TlsClient client(server.address());
  REQUIRE(client.send("x"));
  // The socket is full by then, with a record half sent.
  server.server->threads->run_on_all([](Worker&) {});
  const std::string expected = "head" + value + "tail";
  const bool whole = client.receive(expected.size()) == expected;
  CHECK(whole);
}

TEST_CASE("a client that sends without reading is not read for ever") {
  const Files files;
  const TlsServer server(files.options);
  TlsClient client(server.address());
  const std::string text = pattern(20'000'000);
  std::thread sending([&] { client.send(text); });
  server.until([&] {
    std::size_t held = 0;
    server.server->threads->run_on_all(
        [&](Worker& worker) { held = worker.pool().borrowed_bytes(); });
    CHECK(held < 8'000'000);
    return held > 1'000'000;
  });
  ::shutdown(client.plain().fd(), SHUT_RDWR);  // a close would not wake the other thread
  sending.join();
}

TEST_CASE("new keys in the middle of a stream") {
  const Files files;
  const TlsServer server(files.options);
  TlsClient client(server.address(), nullptr, TLS1_3_VERSION);
  for (std::size_t round = 0; round < 5; ++round) {
    client.ask_for_new_keys();
    const std::string text = pattern(30'000, round);
    const bool same = echoed(client, text) == text;
    CHECK(same);
  }
}

TEST_CASE("new keys are asked for while a record is half sent") {
  const Files files;
  static const std::string value = pattern(16'000'000);  // more than the sockets hold
  // Never too much for one client, so it is read while its answer waits.
  ListenerOptions listener;
  listener.connection.output_high_bytes = 64'000'000;
  struct Answer : ConnectionHandler {
    void on_bytes(Connection& connection) override {
      for (const char each : connection.in().bytes()) {
        if (each == 'v') {
          connection.out().append_slice(
              value, [](void*, void*) {}, nullptr, nullptr);
        }
        if (each == 'x') connection.out().append("x");
      }
      connection.in().consume(connection.in().size());
    }
    void on_closed(Connection&, const CloseInfo&) override {}
  };
  const TlsServer server(
      files.options, [](Connection&) { return std::make_unique<Answer>(); }, listener);
  TlsClient client(server.address(), nullptr, TLS1_3_VERSION);
  REQUIRE(client.send("v"));
  server.until([&] {  // it has begun to answer, and the sockets are full
    int unread = 0;
    ::ioctl(client.plain().fd(), FIONREAD, &unread);
    return unread > 30'000;
  });
  client.ask_for_new_keys();
  for (int round = 0; round < 3; ++round) {
    REQUIRE(client.send("x"));
    server.server->threads->run_on_all([](Worker&) {});
  }
  const std::string expected = value + "xxx";
  const bool whole = client.receive(expected.size()) == expected;
  CHECK(whole);
  REQUIRE(client.send("x"));
  CHECK(client.receive(1) == "x");
}

TEST_CASE("no renegotiation") {
  const Files files;
  const TlsServer server(files.options);
  TlsClient client(server.address(), nullptr, TLS1_2_VERSION);
  CHECK(echoed(client, "hello") == "hello");
  CHECK_FALSE(client.renegotiate());
}

TEST_CASE("ends are told, both ways") {
  const Files files;
  struct Bye : ConnectionHandler {
    void on_bytes(Connection& connection) override {
      if (connection.in().bytes() != "bye") return;
      connection.out().append("good bye");
      connection.close_after_flush();
    }
    void on_end_of_input(Connection& connection) override {
      connection.out().append("you ended");
      connection.close_after_flush();
    }
    void on_closed(Connection&, const CloseInfo&) override {}
  };
  const TlsServer server(files.options, [](Connection&) { return std::make_unique<Bye>(); });
  TlsClient told(server.address());
  REQUIRE(told.send("bye"));
  CHECK(told.receive_all() == "good bye");
  CHECK(told.was_told_of_the_end());
  TlsClient telling(server.address());
  telling.end_output();
  CHECK(telling.receive_all() == "you ended");
  CHECK(telling.was_told_of_the_end());
  TlsClient rude(server.address());
  rude.plain().end_output();  // without a word of TLS
  CHECK(rude.receive_all() == "you ended");
}

TEST_CASE("what is not TLS closes the connection and is counted") {
  const Files files;
  const TlsServer server(files.options);
  for (const std::string& bytes :
       {std::string("get a\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"), std::string(10'000, '\0'),
        std::string("\x16\x03\x01\xff\xff", 5) + std::string(70'000, 'x')}) {
    const std::uint64_t before = server.context->errors();
    Client client(server.address());
    client.send(bytes);
    client.receive_all();
    server.until([&] { return server.context->errors() == before + 1; });
  }
  // Garbage in a connection that was good ends it, too.
  TlsClient client(server.address());
  CHECK(echoed(client, "hello") == "hello");
  REQUIRE(client.plain().send(std::string(1000, 'x')));
  CHECK(client.receive_all().empty());
  // One that only connects is counted.
  const std::uint64_t before = server.context->errors();
  Client silent(server.address());
  silent.close();
  server.until([&] { return server.context->errors() == before + 1 && server.handshakes() == 0; });
}

TEST_CASE("certificates of clients") {
  Files files;
  const Certificate known("known", &files.authority);
  const Certificate expired("expired", &files.authority, -60);
  const Certificate stranger("stranger");
  TlsOptions options = files.options;
  options.ca_file = files.authority.write(files.folder / "authority.pem");
  bool without = false;
  SUBCASE("asked for") {
    options.verify = TlsVerify::kRequest;
    without = true;
  }
  SUBCASE("required") {
    options.verify = TlsVerify::kRequire;
  }
  SUBCASE("required once") {
    options.verify = TlsVerify::kRequireOnce;
  }
  const TlsServer server(options);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    const auto served = [&](const Certificate* own) {
      TlsClient client(server.address(), own, version);
      // With TLS 1.3 the client hears of a refusal only when it reads.
      return client.connected() && client.send("hello") && client.receive(5) == "hello";
    };
    CHECK(served(&known));
    CHECK(served(nullptr) == without);
    CHECK_FALSE(served(&expired));
    CHECK_FALSE(served(&stranger));
  }
}

TEST_CASE("a refresh is for new connections, and a bad one for none") {
  const Files files;
  const TlsServer server(files.options);
  TlsClient before(server.address());
  CHECK(before.server_name() == "server");
  Certificate("second", &files.authority).write(files.options.chain_file);
  CHECK_FALSE(server.context->refresh());
  TlsClient after(server.address());
  CHECK(after.server_name() == "second");
  CHECK(echoed(before, "hello") == "hello");
  files.folder.write("server.pem", "nonsense");
  const auto wrong = server.context->refresh();
  REQUIRE(wrong);
  CHECK(wrong->starts_with("Error loading the certificate chain: " + files.options.chain_file));
  TlsClient later(server.address());
  CHECK(later.server_name() == "second");
  CHECK(echoed(before, "hello") == "hello");
}

TEST_CASE("files that do not fit are named") {
  Files files;
  const auto wrong = [](const TlsOptions& options) {
    return TlsContext(options).refresh().value_or("");
  };
  TlsOptions options = files.options;
  options.key_file = files.folder / "absent";
  CHECK(wrong(options).starts_with("Error loading the key: " + options.key_file));
  options.key_file = Certificate("other").write(files.folder / "other.pem");
  CHECK(wrong(options).starts_with("Error"));
  options.key_file = files.folder.write("key.der", files.server.key_der());
  CHECK(wrong(options).starts_with("Error loading the key: "));
  options.key_format = TlsKeyFormat::kDer;
  CHECK(wrong(options).empty());
  options.ca_file = files.folder.write("empty", "");
  CHECK(wrong(options).starts_with("Error loading the CA certificate: " + options.ca_file));
  options = files.options;
  options.ciphers = "NONSENSE";
  CHECK(wrong(options).starts_with("Error setting the provided cipher(s): NONSENSE"));
}

TEST_CASE("at the connection limit a TLS client hears nothing that is not TLS") {
  const Files files;
  ListenerOptions listener;
  listener.connections_max = 1;
  const TlsServer server(files.options, TlsServer::echoing(), listener);
  TlsClient first(server.address());
  CHECK(echoed(first, "hello") == "hello");
  Client second(server.address());
  CHECK(second.receive_all().empty());
  Client plain(server.server->listener->bound().back());
  CHECK(plain.receive_all() == "ERROR Too many open connections\r\n");
}
