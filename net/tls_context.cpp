#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <utility>

#include "net/tls_files.h"

namespace ringcache::net {

namespace {

/// Tells our sessions from those of another program with the same certificate.
constexpr std::string_view kSessionContext = "ringcache";

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

TlsContext::TlsContext(TlsOptions options)
    : TlsSide(options.write_bytes, options.record_timeout), options_(std::move(options)) {}

TlsContext::~TlsContext() = default;

std::optional<std::string> TlsContext::refresh() {
  const std::lock_guard alone(loading_);
  ::ERR_clear_error();
  ContextPtr fresh(::SSL_CTX_new(::TLS_server_method()));
  if (!fresh) return tls_error("Error starting TLS");
  if (auto wrong = set_rules(fresh.get())) return wrong;
  if (auto wrong = load_files(fresh.get())) return wrong;
  install(std::move(fresh));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  refreshed_ = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return std::nullopt;
}

void TlsContext::install(ContextPtr fresh) {
  not_after_ = net::not_after_unix_s(fresh.get());
  SSL_CTX_set_app_data(fresh.get(), this);
  const std::lock_guard lock(mutex_);
  context_.swap(fresh);
}

void TlsContext::take(TlsContext& loaded) {
  ContextPtr fresh;
  {
    const std::lock_guard lock(loaded.mutex_);
    fresh = std::move(loaded.context_);
  }
  install(std::move(fresh));
  refreshed_ = loaded.refreshed_.load();
}

std::optional<std::string> TlsContext::load_files(ssl_ctx_st* context) const {
  const TlsFiles files{options_.chain_file, options_.key_file, options_.key_format};
  if (auto wrong = load_certificate(context, files)) return wrong;
  if (options_.ca_file.empty()) return std::nullopt;
  const char* const ca = options_.ca_file.c_str();
  // The names go to the clients, which choose their certificate by them.
  STACK_OF(X509_NAME)* const names =
      ::SSL_CTX_load_verify_file(context, ca) == 1 ? ::SSL_load_client_CA_file(ca) : nullptr;
  if (names == nullptr) return tls_error("Error loading the CA certificate: " + options_.ca_file);
  ::SSL_CTX_set_client_CA_list(context, names);
  return std::nullopt;
}

std::optional<std::string> TlsContext::set_rules(ssl_ctx_st* context) {
  if (auto wrong = set_common_rules(context, options_.min_version, options_.ciphers)) return wrong;
  if (!options_.session_cache) ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
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
