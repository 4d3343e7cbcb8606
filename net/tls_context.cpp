#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <utility>

namespace ringcache::net {

namespace {

/// Tells our sessions from those of another program with the same certificate.
constexpr std::string_view kSessionContext = "ringcache";

int version_number(TlsVersion version) {
  switch (version) {
    case TlsVersion::k10:
      return TLS1_VERSION;
    case TlsVersion::k11:
      return TLS1_1_VERSION;
    case TlsVersion::k12:
      break;
    case TlsVersion::k13:
      return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

int verify_mode(TlsVerify verify) {
  switch (verify) {
    case TlsVerify::kNone:
      break;
    case TlsVerify::kRequest:
      return SSL_VERIFY_PEER;
    case TlsVerify::kRequire:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case TlsVerify::kRequireOnce:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_CLIENT_ONCE;
  }
  return SSL_VERIFY_NONE;
}

std::string failed(const std::string& what) {
  const std::string cause = take_openssl_error();
  return cause.empty() ? what : what + " : " + cause;
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) return "";
  std::array<char, 256> text{};
  ::ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

void TlsContext::FreeContext::operator()(ssl_ctx_st* context) const {
  ::SSL_CTX_free(context);
}

TlsContext::TlsContext(TlsOptions options) : options_(std::move(options)) {}

TlsContext::~TlsContext() = default;

std::optional<std::string> TlsContext::refresh() {
  const std::lock_guard alone(loading_);
  ::ERR_clear_error();
  ContextPtr fresh(::SSL_CTX_new(::TLS_server_method()));
  if (!fresh) return failed("Error starting TLS");
  if (auto wrong = set_rules(fresh.get())) return wrong;
  if (auto wrong = load_files(fresh.get())) return wrong;
  const std::lock_guard lock(mutex_);
  context_.swap(fresh);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  refreshed_ = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return std::nullopt;
}

std::optional<std::string> TlsContext::load_files(ssl_ctx_st* context) const {
  // Without this OpenSSL asks the terminal, whatever thread this is.
  ::SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  const std::string& key = options_.key_file.empty() ? options_.chain_file : options_.key_file;
  const int format =
      options_.key_format == TlsKeyFormat::kDer ? SSL_FILETYPE_ASN1 : SSL_FILETYPE_PEM;
  if (::SSL_CTX_use_certificate_chain_file(context, options_.chain_file.c_str()) != 1) {
    return failed("Error loading the certificate chain: " + options_.chain_file);
  }
  if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), format) != 1) {
    return failed("Error loading the key: " + key);
  }
  if (::SSL_CTX_check_private_key(context) != 1) {
    return failed("Error validating the certificate");
  }
  if (options_.ca_file.empty()) return std::nullopt;
  const char* const ca = options_.ca_file.c_str();
  // The names go to the clients, which choose their certificate by them.
  STACK_OF(X509_NAME)* const names =
      ::SSL_CTX_load_verify_file(context, ca) == 1 ? ::SSL_load_client_CA_file(ca) : nullptr;
  if (names == nullptr) return failed("Error loading the CA certificate: " + options_.ca_file);
  ::SSL_CTX_set_client_CA_list(context, names);
  return std::nullopt;
}

std::optional<std::string> TlsContext::set_rules(ssl_ctx_st* context) {
  // Buffers of 16 KiB each way go back to the heap while nothing is in them; a write that the
  // socket took in part may be repeated from another address (the gathered bytes move).
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One recv for as many records as are there, instead of two for each.
  ::SSL_CTX_set_read_ahead(context, 1);
  // OpenSSL makes room for all of a client's certificates when it has said how long they are.
  ::SSL_CTX_set_max_cert_list(context, kCertificatesBytesMax);
  // Many clients end with a plain close. Requests say how long they are, so none is taken for
  // whole that is not.
  std::uint64_t flags =
      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF;
  if (!options_.session_cache) flags |= SSL_OP_NO_TICKET;
  ::SSL_CTX_set_options(context, flags);
  if (::SSL_CTX_set_min_proto_version(context, version_number(options_.min_version)) != 1) {
    return failed("Error setting the oldest version");
  }
  if (!options_.ciphers.empty() &&
      ::SSL_CTX_set_cipher_list(context, options_.ciphers.c_str()) != 1) {
    return failed("Error setting the provided cipher(s): " + options_.ciphers);
  }
  ::SSL_CTX_set_verify(context, verify_mode(options_.verify), nullptr);
  if (!options_.session_cache) {
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_num_tickets(context, 0);
    return std::nullopt;
  }
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  ::SSL_CTX_sess_set_cache_size(context, kTlsSessionsMax);
  ::SSL_CTX_set_session_id_context(context,
                                   reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                   kSessionContext.size());
  SSL_CTX_set_app_data(context, this);
  ::SSL_CTX_sess_set_new_cb(context, [](SSL* session, SSL_SESSION*) {
    auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(::SSL_get_SSL_CTX(session)));
    self->new_sessions_.fetch_add(1, std::memory_order_relaxed);
    return 0;  // OpenSSL keeps its reference
  });
  return std::nullopt;
}

bool TlsContext::forbids_old_versions() const {
  const std::lock_guard lock(mutex_);
  const bool allows_old = options_.min_version < TlsVersion::k12;
  return allows_old && ::SSL_CTX_get_security_level(context_.get()) > 0;
}

ssl_st* TlsContext::new_session() const {
  const std::lock_guard lock(mutex_);
  return ::SSL_new(context_.get());
}

void TlsContext::count_error(std::string_view peer, std::string_view cause, bool silent,
                             SteadyNs now) {
  errors_.fetch_add(1, std::memory_order_relaxed);
  if (silent) return;
  if (const auto suppressed = log_.admit(now)) {
    log_warn("TLS handshake failed",
             {{"peer", peer}, {"cause", cause}, {"suppressed", *suppressed}});
  }
}

}  // namespace ringcache::net
