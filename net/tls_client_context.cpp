#include "net/tls_client_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "net/resolver.h"
#include "net/tls_files.h"
#include "net/tls_stream.h"

namespace ringcache::net {

namespace {

bool is_number(const std::string& host) {
  Endpoint ignored;
  return numeric_endpoint(host, 1, ignored);
}

}  // namespace

void TlsClientContext::FreeContext::operator()(ssl_ctx_st* context) const {
  ::SSL_CTX_free(context);
}

void TlsClientContext::FreeSession::operator()(ssl_session_st* session) const {
  ::SSL_SESSION_free(session);
}

TlsClientContext::TlsClientContext(TlsClientOptions options)
    : TlsSide(options.write_bytes, options.record_timeout), options_(std::move(options)) {}

TlsClientContext::~TlsClientContext() = default;

std::optional<std::string> TlsClientContext::load() {
  ::ERR_clear_error();
  context_.reset(::SSL_CTX_new(::TLS_client_method()));
  if (!context_) return tls_error("Error starting TLS");
  ssl_ctx_st* const context = context_.get();
  if (auto wrong = set_common_rules(context, options_.min_version, options_.ciphers)) return wrong;
  if (!options_.chain_file.empty()) {
    if (auto wrong = load_certificate(context, {options_.chain_file, options_.key_file})) {
      return wrong;
    }
  }
  not_after_unix_s_ = net::not_after_unix_s(context);
  if (!options_.chain_file.empty()) {
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return load_trust(context);
  }
  // OpenSSL's own cache would be searched by nobody.
  ::SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  ::SSL_CTX_sess_set_new_cb(context, on_new_session);
  return load_trust(context);
}

std::optional<std::string> TlsClientContext::load_trust(ssl_ctx_st* context) const {
  if (!options_.verify) {
    ::SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return std::nullopt;
  }
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options_.ca_file.empty()) {
    if (::SSL_CTX_set_default_verify_paths(context) == 1) return std::nullopt;
    return tls_error("Error loading the certificates that the system trusts");
  }
  if (::SSL_CTX_load_verify_file(context, options_.ca_file.c_str()) == 1) return std::nullopt;
  return tls_error("Error loading the CA certificate: " + options_.ca_file);
}

ssl_st* TlsClientContext::new_session(const Address& peer) {
  ::ERR_clear_error();
  ssl_st* const session = ::SSL_new(context_.get());
  if (session == nullptr) return nullptr;
  if (!expect_name(session, options_.server_name.empty() ? peer.host : options_.server_name)) {
    ::SSL_free(session);
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  const auto known = sessions_.find(peer.text());
  // A session that does not fit is not offered, and costs a whole handshake.
  if (known != sessions_.end()) ::SSL_set_session(session, known->second.get());
  return session;
}

bool TlsClientContext::expect_name(ssl_st* session, const std::string& name) const {
  if (is_number(name)) {
    X509_VERIFY_PARAM* const rules = ::SSL_get0_param(session);
    return ::X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
  }
  if (SSL_set_tlsext_host_name(session, name.c_str()) != 1) return false;
  ::SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return ::SSL_set1_host(session, name.c_str()) == 1;
}

// During a read or a handshake of `connection`. 1: the session is ours from here on.
int TlsClientContext::on_new_session(ssl_st* connection, ssl_session_st* session) {
  const auto* const stream = static_cast<const TlsStream*>(SSL_get_app_data(connection));
  // Its side is a context of this class: others have no such callback.
  static_cast<TlsClientContext&>(stream->side()).remember(stream->peer(), session);
  return 1;
}

void TlsClientContext::remember(const std::string& peer, ssl_session_st* session) {
  SessionPtr fresh(session);
  const std::lock_guard lock(mutex_);
  const bool is_new = !sessions_.contains(peer);
  if (is_new && sessions_.size() >= kTlsServersRememberedMax) sessions_.erase(sessions_.begin());
  sessions_[peer] = std::move(fresh);
}

}  // namespace ringcache::net
