// A node with -Z: settings, figures, refresh_certs, and values of every size. TLS itself is tested
// in tests/net/tls_test.cpp.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/net/tls_fixture.h"
#include "tests/store/node_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;
using net::testing::Certificate;
using net::testing::pattern;
using net::testing::TlsClient;

namespace {

// A file for the certificates of one test.
struct PemFile {
  PemFile()
      : path(std::filesystem::temp_directory_path() /
             ("ringcache-tls-" + std::to_string(::getpid()) + ".pem")) {}
  ~PemFile() { std::filesystem::remove(path); }
  PemFile(const PemFile&) = delete;
  PemFile& operator=(const PemFile&) = delete;

  NodeOptions options() const {
    NodeOptions options = test_options();
    options.tls_enabled = true;
    options.tls.chain_file = path;
    options.listen_plain = {net::Address::tcp("127.0.0.1", 0)};
    return options;
  }

  const std::filesystem::path path;
};

std::string asked(TlsClient& client, const std::string& request) {
  REQUIRE(client.send(request + "quit\r\n"));
  return client.receive_all();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("values of every size go both ways under TLS") {
  const PemFile file;
  Certificate("node").write(file.path);
  TestNode server(file.options());
  TlsClient client(server.node.bound().front());
  REQUIRE(client.connected());
  for (const std::size_t bytes : {0, 1, 3000, 5000, 16'384, 100'000, 1'000'000}) {
    CAPTURE(bytes);
    const std::string value = pattern(bytes);
    REQUIRE(client.send(set_request("k", value) + "get k\r\n"));
    const std::string expected = "STORED\r\n" + value_reply("k", value) + "END\r\n";
    const bool same = client.receive(expected.size()) == expected;
    CHECK(same);
  }
  Client plain(server.node.bound().back());
  check_exchange(plain, "set p 0 0 1\r\n1\r\n", "STORED\r\n");
  CHECK(asked(client, "get p\r\n") == value_reply("p", "1") + "END\r\n");
}

TEST_CASE("refresh_certs and SIGHUP take new certificates, and say what is wrong") {
  const PemFile file;
  Certificate("first").write(file.path);
  TestNode server(file.options());
  const net::Address address = server.node.bound().front();
  CHECK(TlsClient(address).server_name() == "first");
  Certificate("second").write(file.path);
  TlsClient asking(address);
  CHECK(asked(asking, "refresh_certs\r\n") == "OK\r\n");
  CHECK(TlsClient(address).server_name() == "second");
  Certificate("third").write(file.path);
  server.node.reload();
  CHECK(TlsClient(address).server_name() == "third");
  std::filesystem::resize_file(file.path, 100);
  TlsClient again(address);
  CHECK(
      asked(again, "refresh_certs\r\n")
          .starts_with("Error loading the certificate chain: " + file.path.string() + " : error:"));
  CHECK(TlsClient(address).server_name() == "third");
}

TEST_CASE("while certificates are read, their client waits and nobody else does") {
  const PemFile file;
  const Certificate certificate("node");
  certificate.write(file.path);
  const std::string chain = file.path.string() + ".chain";
  certificate.write(chain);
  NodeOptions options = file.options();
  options.threads = 1;
  options.tls.key_file = file.path;
  options.tls.chain_file = chain;
  TestNode server(options);
  // A reader of a pipe waits for its writer.
  std::filesystem::remove(chain);
  REQUIRE(::mkfifo(chain.c_str(), 0600) == 0);

  TlsClient asking(server.node.bound().front());
  REQUIRE(asking.send("mn\r\nrefresh_certs\r\nmn\r\nrefresh_certs\r\nquit\r\n"));
  CHECK(asking.receive(4) == "MN\r\n");
  Client other(server.node.bound().back());
  check_exchange(other, "set k 0 0 1\r\n1\r\nget k\r\n",
                 "STORED\r\n" + value_reply("k", "1") + "END\r\n");
  {
    TlsClient gone(server.node.bound().front());  // nobody is there when its load is done
    REQUIRE(gone.send("refresh_certs\r\n"));
    gone.plain().reset();
  }
  check_exchange(other, "mn\r\n", "MN\r\n");
  certificate.write(chain);
  CHECK(asking.receive(8) == "OK\r\nMN\r\n");
  std::ofstream(chain) << "nonsense";
  CHECK(asking.receive_all().starts_with("Error loading the certificate chain: " + chain));
  std::filesystem::remove(chain);
}

TEST_CASE("stats has memcached's lines of TLS, and none without") {
  const PemFile file;
  Certificate("node").write(file.path);
  NodeOptions options = file.options();
  options.tls.session_cache = true;
  TestNode server(options);
  TlsClient client(server.node.bound().front());
  Client garbage(server.node.bound().front());
  REQUIRE(garbage.send("get k\r\n"));
  garbage.receive_all();
  TlsClient asking(server.node.bound().front());
  const std::string text = asked(asking, "stats\r\nstats settings\r\n");
  for (const char* const line :
       {"ssl_new_sessions 4", "ssl_handshake_errors 1", "ssl_handshake_timeouts 0",
        "ssl_handshakes_dropped 0", "ssl_record_timeouts 0", "ssl_enabled yes", "ssl_key NULL",
        "ssl_verify_mode 0", "ssl_keyformat 1", "ssl_ciphers NULL", "ssl_ca_cert NULL",
        "ssl_wbuf_size 16384", "ssl_session_cache yes", "ssl_kernel_tls no",
        "ssl_min_version tlsv1.2"}) {
    CAPTURE(line);
    CHECK(contains(text, std::string("STAT ") + line + "\r\n"));
  }
  CHECK(contains(text, "STAT time_since_server_cert_refresh "));
  CHECK(contains(text, "STAT ssl_chain_cert " + file.path.string() + "\r\n"));
  TlsClient after(server.node.bound().front());
  CHECK(contains(asked(after, "stats reset\r\nstats\r\n"), "STAT ssl_handshake_errors 0\r\n"));

  const TestNode without;
  Client plain = without.client();
  REQUIRE(plain.send("stats\r\nstats settings\r\nrefresh_certs\r\nquit\r\n"));
  const std::string lines = plain.receive_all();
  CHECK(contains(lines, "STAT ssl_enabled no\r\n"));
  CHECK_FALSE(contains(lines, "ssl_handshake"));
  CHECK(contains(lines, "Error TLS not enabled\r\n"));
}

TEST_CASE("a node does not start without its certificates") {
  const PemFile file;
  CHECK_THROWS_AS(Node(file.options()), std::runtime_error);
}
