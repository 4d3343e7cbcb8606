#include "net/tls_files.h"

#include <openssl/ssl.h>
#include <ctime>

#include <algorithm>

#include "net/tls_context.h"

namespace ringcache::net {

namespace {

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

std::int64_t end_of(const X509* certificate) {
  std::tm time{};
  if (::ASN1_TIME_to_tm(::X509_get0_notAfter(certificate), &time) != 1) return 0;
  return ::timegm(&time);
}

}  // namespace

std::string tls_error(const std::string& what) {
  const std::string cause = take_openssl_error();
  return cause.empty() ? what : what + " : " + cause;
}

std::optional<std::string> load_certificate(ssl_ctx_st* context, const TlsFiles& files) {
  // Without this OpenSSL asks the terminal, whatever thread this is.
  ::SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  const std::string& key = files.key.empty() ? files.chain : files.key;
  const int format = files.key_format == TlsKeyFormat::kDer ? SSL_FILETYPE_ASN1 : SSL_FILETYPE_PEM;
  if (::SSL_CTX_use_certificate_chain_file(context, files.chain.c_str()) != 1) {
    return tls_error("Error loading the certificate chain: " + files.chain);
  }
  if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), format) != 1) {
    return tls_error("Error loading the key: " + key);
  }
  if (::SSL_CTX_check_private_key(context) != 1) {
    return tls_error("Error validating the certificate");
  }
  return std::nullopt;
}

std::optional<std::string> set_common_rules(ssl_ctx_st* context, TlsVersion min_version,
                                            const std::string& ciphers) {
  // Buffers of 16 KiB each way go back to the heap while nothing is in them; a write that the
  // socket took in part may be repeated from another address (the gathered bytes move).
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One recv for as many records as are there, instead of two for each.
  ::SSL_CTX_set_read_ahead(context, 1);
  // OpenSSL makes room for all of a peer's certificates when it has said how long they are.
  ::SSL_CTX_set_max_cert_list(context, kCertificatesBytesMax);
  // Many peers end with a plain close. Requests and replies say how long they are, so none is taken
  // for whole that is not.
  ::SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (::SSL_CTX_set_min_proto_version(context, version_number(min_version)) != 1) {
    return tls_error("Error setting the oldest version");
  }
  if (!ciphers.empty() && ::SSL_CTX_set_cipher_list(context, ciphers.c_str()) != 1) {
    return tls_error("Error setting the provided cipher(s): " + ciphers);
  }
  return std::nullopt;
}

std::int64_t not_after_unix_s(const ssl_ctx_st* context) {
  auto* const asked = const_cast<ssl_ctx_st*>(context);  // OpenSSL's macro wants it so
  const X509* const own = ::SSL_CTX_get0_certificate(asked);
  if (own == nullptr) return 0;
  std::int64_t first = end_of(own);
  STACK_OF(X509)* chain = nullptr;
  if (SSL_CTX_get0_chain_certs(asked, &chain) != 1) return first;
  for (int index = 0; index < sk_X509_num(chain); ++index) {
    first = std::min(first, end_of(sk_X509_value(chain, index)));
  }
  return first;
}

}  // namespace ringcache::net
