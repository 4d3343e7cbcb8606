#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace ringcache::net {

enum class TlsKeyFormat : std::uint8_t { kPem, kDer };

/// What is asked of a client's certificate, by memcached's numbers.
enum class TlsVerify : std::uint8_t {
  kNone,         ///< none is asked for
  kRequest,      ///< a client may come without one, not with a bad one
  kRequire,      ///< it must have one of ca_file
  kRequireOnce,  ///< the same, asked at the handshake only; all handshakes here are the only one
};

enum class TlsVersion : std::uint8_t { k10, k11, k12, k13 };

/// The server side of TLS: files, what to ask of clients, bounds. Plain data.
/// The certificates that a client shows, with those of its authorities; more is an error.
inline constexpr long kCertificatesBytesMax = 32 * 1024;

struct TlsOptions {
  /// PEM: the server's certificate first, then those up to the root.
  std::string chain_file;
  /// Its private key; empty = it is in chain_file.
  std::string key_file;
  TlsKeyFormat key_format = TlsKeyFormat::kPem;
  /// PEM: who signs the certificates of clients. Needed to verify any.
  std::string ca_file;
  TlsVerify verify = TlsVerify::kNone;
  /// OpenSSL's list, for TLS 1.2 and older; empty = OpenSSL's choice.
  std::string ciphers;
  TlsVersion min_version = TlsVersion::k12;
  /// Whether clients may resume sessions (tickets, and kTlsSessionsMax sessions kept).
  bool session_cache = false;
  /// Small answers are gathered up to this before they are encrypted. Above 16 KiB it makes several
  /// records at once.
  std::size_t write_bytes = 16 * 1024;
  /// What a client may take for its part of the handshake.
  std::chrono::milliseconds handshake_timeout{10'000};
  /// Handshakes that have begun and wait for the client, on one thread of the handshaker. Further
  /// ones wait; see there who goes for them.
  std::size_t handshakes_max = 1024;

  /// From the first byte of a record to its last.
  std::chrono::milliseconds record_timeout{30'000};

  bool operator==(const TlsOptions&) const = default;
};

/// Sessions kept for clients that resume them without a ticket, over all workers.
constexpr std::size_t kTlsSessionsMax = 4 * 1024;

}  // namespace ringcache::net
