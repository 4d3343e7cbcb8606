// How a proxy proves itself to the nodes of a pool, and they to it: TLS and passwords.
//
// Plain values; config/ fills them, proxy/secrets.h reads the files.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringcache::routing {

// The oldest version of TLS that is spoken.
enum class TlsVersion : std::uint8_t { k12, k13 };
inline constexpr std::array<std::string_view, 2> kTlsVersionNames{"1.2", "1.3"};

// Paths are absolute; empty: none.
struct NodeTlsOptions {
  // PEM: who signs the nodes' certificates; empty: whom the system trusts.
  std::string ca;
  // PEM: the certificate that the nodes are shown if they ask, and those behind it up to the root.
  std::string certificate;
  // Its private key; empty: it is in `certificate`.
  std::string key;
  // The name that every node's certificate must have; empty: the host of the node's address.
  std::string server_name;
  // False: any certificate will do.
  bool verify = true;
  TlsVersion min_version = TlsVersion::k12;
  // OpenSSL's list, for TLS 1.2; empty: OpenSSL's choice.
  std::string ciphers;

  bool operator==(const NodeTlsOptions&) const = default;
};

struct NodeAuthOptions {
  // One line `name:password`, which each connection to a node begins with.
  std::string file;

  bool operator==(const NodeAuthOptions&) const = default;
};

}  // namespace ringcache::routing
