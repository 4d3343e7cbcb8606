// What an operator can set about a proxy process, apart from its pools (routing/pool_options.h).
//
// Plain values without behaviour: config/ fills them from JSON, the command line may override a
// few, main hands them to the modules. A field that a reload cannot change says so.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/pool_options.h"

namespace ringcache::proxy {

struct AdminOptions {
  // host:port of the HTTP server with /metrics and the API. "off" starts none. Restart to change.
  std::string listen = "127.0.0.1:9160";
  // File whose first line is the bearer token that POST requests must carry; empty: no token.
  std::string token_file;
};

struct LogOptions {
  std::string level = "info";   // trace debug info warn error
  std::string format = "text";  // text (logfmt) or json
};

// Whether clients are asked for a certificate.
enum class ClientCertificates : std::uint8_t { kNone, kRequest, kRequire };
inline constexpr std::array<std::string_view, 3> kClientCertificatesNames{"none", "request",
                                                                          "require"};

// An address of `listen` that begins so has TLS.
inline constexpr std::string_view kTlsListenPrefix = "tls:";

// TLS for clients. Paths are absolute; empty: none. Adding it or taking it away goes with `listen`,
// and needs a restart; the files are read again by every reload.
struct ClientTlsOptions {
  // PEM: the proxy's certificate first, then those up to the root.
  std::string certificate;
  // Its private key; empty: it is in `certificate`.
  std::string key;
  // PEM: who signs the certificates of clients.
  std::string client_ca;
  ClientCertificates client_certificates = ClientCertificates::kNone;
  routing::TlsVersion min_version = routing::TlsVersion::k12;
  // OpenSSL's list, for TLS 1.2; empty: OpenSSL's choice.
  std::string ciphers;
  // What a client may take for its part of the handshake. Restart to change.
  std::chrono::milliseconds handshake_timeout{10'000};
};

// Passwords of clients, memcached's -Y.
struct ClientAuthOptions {
  std::string file;  // absolute path
  // In which a client must have said who it is; 0: any time.
  std::chrono::milliseconds timeout{30'000};
};

struct Limits {
  // Client connections at once; above it a new one is answered with an error and closed. Restart to
  // change, as all limits of a client connection: item_bytes, client_idle, client_output_bytes.
  std::uint32_t client_connections = 10'000;
  // Largest value a client may store, bytes; larger ones are refused and their data dropped.
  std::uint64_t item_bytes = std::uint64_t{1} << 20;
  // A client connection without a request for this long is closed; 0: never.
  std::chrono::milliseconds client_idle{0};
  // Requests of one client that may await replies; above it the client is not read from.
  std::uint32_t pipeline_per_client = 1024;
  // Requests that may await replies of one node on one worker thread; above it they fail at once.
  std::uint32_t pending_per_node = 10'000;
  // Bytes of requests that may wait to be sent to one node on one worker thread; above it requests
  // fail at once.
  std::uint64_t pending_bytes_per_node = std::uint64_t{64} << 20;
  // Bytes of replies that may wait for one client to read them; above it the client is closed. A
  // client is not read from any more at a 64th of it. At least twice item_bytes is taken.
  std::uint64_t client_output_bytes = std::uint64_t{256} << 20;
  // A value of more bytes than this is large: it is passed on while it arrives, and a get of a key
  // that is known to have one takes a connection of its own kind.
  std::uint64_t cut_through_bytes = std::uint64_t{256} << 10;
  // Bytes of large values that may wait for one client before the connection that brings them is
  // not read, and of those that a client may have asked for at once.
  std::uint64_t cut_through_window_bytes = std::uint64_t{1} << 20;
  // Connections for large values to one node on one worker thread, and as many for large data
  // blocks, opened when they are needed; 0: large ones take the connection of all others.
  std::uint32_t large_connections_per_node = 4;
  // A client that sends nothing of a large data block which has been begun for this long is closed.
  std::chrono::milliseconds upload_stall{10'000};
  // Time a draining process gives its clients before it closes their connections.
  std::chrono::milliseconds shutdown_grace{10'000};
};

inline constexpr std::uint32_t kBusyPollMaxUs = 1'000;

struct ProxyOptions {
  // Addresses for clients: "host:port", "[v6]:port", "unix:/path", with TLS "tls:host:port".
  // Restart to change.
  std::vector<std::string> listen = {"127.0.0.1:11211"};
  // Worker threads; 0: one per core. Restart to change.
  std::uint32_t threads = 0;
  // How long a worker with nothing to do looks for more before it sleeps, microseconds. 0: it
  // sleeps at once. Restart to change.
  std::uint32_t busy_poll_us = 0;
  AdminOptions admin;
  LogOptions log;
  std::optional<ClientTlsOptions> tls;
  std::optional<ClientAuthOptions> auth;
  // Whether a changed configuration file is loaded without being told; SIGHUP always loads it.
  bool reload_watch = true;
  // Where this process is: of a key's copies those in this zone are read first. Empty: not said.
  std::string zone;
  Limits limits;
  std::vector<routing::PoolOptions> pools;
};

}  // namespace ringcache::proxy
