#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "net/clock.h"
#include "net/tls_context.h"
#include "net/worker.h"
#include "tests/net/net_fixture.h"
#include "tests/net/tls_fixture.h"

/// For the tests of TLS in net/: a server with certificates of its own.
namespace ringcache::net::testing {

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() / ("net_tls_" + std::to_string(getpid()))) {
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ / name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// An authority, a server of it, and their files.
struct Files {
  Files() { options.chain_file = server.write(folder / "server.pem"); }
  Folder folder;
  Certificate authority{"authority"};
  Certificate server{"server", &authority};
  TlsOptions options;
};

/// A server with TLS on a port, the same without on another, and what they count.
struct TlsServer {
  explicit TlsServer(const TlsOptions& options, HandlerFactory factory = echoing(),
                     ListenerOptions listener = {}, const Clock* clock = nullptr)
      : context(std::make_shared<TlsContext>(options)) {
    const auto error = context->refresh();
    REQUIRE_MESSAGE(!error, error.value_or(""));
    listener.tls = context;
    listener.plain_addresses = {Address::tcp("127.0.0.1", 0)};
    server = std::make_unique<TestServer>(std::move(factory), std::move(listener), 1, clock);
  }
  static HandlerFactory echoing() {
    return [](Connection&) { return std::make_unique<EchoHandler>(); };
  }
  const Address& address() const { return server->address(); }
  /// Waits for what the server does without telling a client; the test's time limit ends it.
  template <typename Check>
  void until(Check check) const {
    while (!check()) server->threads->run_on_all([](Worker&) {});
  }
  std::size_t handshakes() const { return server->listener->handshakes(); }

  std::shared_ptr<TlsContext> context;
  std::unique_ptr<TestServer> server;
};

/// What comes back when `text` is sent.
inline std::string echoed(TlsClient& client, const std::string& text) {
  REQUIRE(client.send(text));
  return client.receive(text.size());
}

}  // namespace ringcache::net::testing
