#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/tls_options.h"

struct ssl_ctx_st;

/// What both sides of TLS do with OpenSSL's contexts and the files of certificates. For the files
/// of net/ only.
namespace ringcache::net {

struct TlsFiles {
  const std::string& chain;  ///< PEM: the own certificate first, then those up to the root
  const std::string& key;    ///< empty = it is in `chain`
  TlsKeyFormat key_format = TlsKeyFormat::kPem;
};

/// `what`, with OpenSSL's oldest error of this thread behind it.
std::string tls_error(const std::string& what);

/// The own certificate and its key. What is wrong, or nothing. Never asks for a passphrase: a key
/// that has one is an error.
[[nodiscard]] std::optional<std::string> load_certificate(ssl_ctx_st* context,
                                                          const TlsFiles& files);

/// Buffers, bounds, versions and ciphers. What is wrong, or nothing.
[[nodiscard]] std::optional<std::string> set_common_rules(ssl_ctx_st* context,
                                                          TlsVersion min_version,
                                                          const std::string& ciphers);

/// When the first of the own certificate and of those behind it in its file ends, in Unix seconds;
/// 0: there is none.
std::int64_t not_after_unix_s(const ssl_ctx_st* context);

}  // namespace ringcache::net
