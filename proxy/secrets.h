// Secrets: what the files of `tls` and `auth` say: certificates, keys, passwords.
//
// All of them are read at once, before anything of a configuration is put in place, so that a
// reload takes all of it or nothing. Reading blocks: the main thread does it, never a worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/credentials.h"
#include "net/tls_client_context.h"
#include "net/tls_context.h"
#include "proxy/proxy_options.h"

namespace ringcache::proxy {

// Of a pool.
struct PoolSecrets {
  std::shared_ptr<net::TlsClientContext> tls;  // nullptr: no TLS to its nodes
  // The command that each connection to a node begins with; nullptr: none.
  std::shared_ptr<const std::string> login;
};

struct Secrets {
  std::shared_ptr<net::TlsContext> client_tls;          // nullptr: no TLS for clients
  std::shared_ptr<const net::Credentials> credentials;  // nullptr: clients need no password
  std::vector<PoolSecrets> pools;                       // as ProxyOptions::pools
};

struct SecretProblem {
  std::string pointer;  // JSON pointer of the field, as in the configuration
  std::string text;     // names the file, never what it says
};

// Everything that is wrong goes to `problems`; then the result is of no use.
Secrets load_secrets(const ProxyOptions& options, std::vector<SecretProblem>& problems);

// The paths of all files that load_secrets() reads, each once.
std::vector<std::string> secret_files(const ProxyOptions& options);

}  // namespace ringcache::proxy
