#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "net/address.h"
#include "net/tls_options.h"
#include "net/tls_side.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

/// The client's side of TLS: what outgoing connections show, and what they ask of servers. They
/// hold it by shared_ptr; a change of files or rules is another context for those that come later
/// (connector.h).
///
/// A server's certificate must be signed by `ca_file` and be for the host that was connected to,
/// unless `verify` is false. What the last connection to a server was given to resume its session
/// with is kept for the next one, which then costs no private-key operation; at most
/// kTlsServersRememberedMax servers are remembered, each by host and port. With a certificate of
/// our own each handshake is whole: a server that asks for one without naming its sessions'
/// context, as memcached does, ends a connection that would resume one
/// (SSL_CTX_set_session_id_context(3)).
///
/// Thread rule: load() once, before anybody else has it; then any thread.
namespace ringcache::net {

struct TlsClientOptions {
  /// PEM: who signs the certificates of servers; empty = whom the system trusts.
  std::string ca_file;
  /// PEM: the certificate that is shown to a server that asks for one, then those up to the root;
  /// empty = none.
  std::string chain_file;
  /// Its private key; empty = it is in chain_file.
  std::string key_file;
  /// The name that the certificate must have, and that the server is told (SNI); empty = the host
  /// that is connected to.
  std::string server_name;
  /// False: any certificate is taken, so whoever gets between the two can read and write all.
  bool verify = true;
  /// OpenSSL's list, for TLS 1.2; empty = OpenSSL's choice.
  std::string ciphers;
  TlsVersion min_version = TlsVersion::k12;
  /// As in TlsOptions.
  std::size_t write_bytes = 16 * 1024;
  std::chrono::milliseconds record_timeout{30'000};

  bool operator==(const TlsClientOptions&) const = default;
};

constexpr std::size_t kTlsServersRememberedMax = 4 * 1024;

class TlsClientContext final : public TlsSide {
 public:
  /// Reads no file: load() does.
  explicit TlsClientContext(TlsClientOptions options);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  /// What is wrong, or nothing. A key with a passphrase is an error.
  [[nodiscard]] std::optional<std::string> load();
  const TlsClientOptions& options() const { return options_; }

  /// For a connection to `peer`, which is kTcp; the caller frees it. nullptr: no memory, or a name
  /// that no certificate can have. REQUIRES a load() that went well.
  ssl_st* new_session(const Address& peer);

  /// Handshakes that resumed a session.
  std::uint64_t resumed() const { return resumed_.load(std::memory_order_relaxed); }
  void count_resumed() { resumed_.fetch_add(1, std::memory_order_relaxed); }
  /// When the own certificate ends, in Unix seconds; 0: there is none.
  std::int64_t not_after_unix_s() const { return not_after_unix_s_; }

 private:
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  struct FreeSession {
    void operator()(ssl_session_st* session) const;
  };
  using SessionPtr = std::unique_ptr<ssl_session_st, FreeSession>;

  static int on_new_session(ssl_st* connection, ssl_session_st* session);
  std::optional<std::string> load_trust(ssl_ctx_st* context) const;
  bool expect_name(ssl_st* session, const std::string& name) const;
  void remember(const std::string& peer, ssl_session_st* session);

  const TlsClientOptions options_;
  std::unique_ptr<ssl_ctx_st, FreeContext> context_;
  std::int64_t not_after_unix_s_ = 0;
  std::atomic<std::uint64_t> resumed_{0};
  std::mutex mutex_;
  std::map<std::string, SessionPtr> sessions_;  // under mutex_
};

}  // namespace ringcache::net
