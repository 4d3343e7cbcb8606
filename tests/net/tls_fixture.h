#pragma once

#include <string>
#include <string_view>

#include "net/address.h"
#include "tests/net/net_fixture.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

/// For the tests of TLS: certificates made on the spot, and a blocking client.
namespace ringcache::net::testing {

/// A certificate and its key, signed by another or by itself.
class Certificate {
 public:
  /// `issuer` nullptr: signs itself, and may sign others.
  explicit Certificate(const std::string& name, const Certificate* issuer = nullptr,
                       long valid_s = 3600);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  /// PEM: the certificate, then the key.
  std::string pem() const;
  std::string key_der() const;
  /// Writes pem() there; returns the path.
  std::string write(const std::string& path) const;

  x509_st* x509() const { return x509_; }
  evp_pkey_st* key() const { return key_; }

 private:
  x509_st* x509_ = nullptr;
  evp_pkey_st* key_ = nullptr;
};

/// A blocking TLS client on a plain one. Not connected if the handshake failed.
class TlsClient {
 public:
  /// `own`: what it shows when asked. `version`: the only one it speaks, 0 = any.
  explicit TlsClient(const Address& address, const Certificate* own = nullptr, int version = 0);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  bool send(std::string_view bytes);
  /// Exactly `count` bytes, or fewer if the server closed before.
  std::string receive(std::size_t count);
  std::string receive_all();
  /// The server has said that nothing follows.
  bool was_told_of_the_end() const;
  /// Ends our side, and reads on.
  void end_output();
  /// A new key for both directions, with the next bytes that are sent (TLS 1.3).
  void ask_for_new_keys();
  /// TLS 1.2: false if the server would not.
  bool renegotiate();
  /// The name in the server's certificate.
  std::string server_name() const;

  Client& plain() { return plain_; }

 private:
  Client plain_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  bool connected_ = false;
};

/// A client that says its hello and then waits: its handshake stays unfinished until finish().
class HalfWayClient {
 public:
  explicit HalfWayClient(const Address& address);
  ~HalfWayClient();
  HalfWayClient(const HalfWayClient&) = delete;
  HalfWayClient& operator=(const HalfWayClient&) = delete;

  const std::string& hello() const { return hello_; }
  /// Whether the server has answered; waits for it.
  bool has_an_answer();
  /// Goes on, and has a byte echoed. False: the server would not.
  bool finish();

  // After finish().

  /// The record that has `text` in it, for plain().send().
  std::string record(std::string_view text);
  /// The next byte that the server has sent; nothing if it closed.
  std::string received();
  Client& plain() { return plain_; }

 private:
  /// What OpenSSL wants to send.
  std::string take_output();

  Client plain_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  std::string hello_;
};

}  // namespace ringcache::net::testing
