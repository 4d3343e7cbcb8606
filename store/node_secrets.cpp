#include "store/node_secrets.h"

#include <stdexcept>

#include "store/node_tls.h"

namespace ringcache::store {

NodeSecrets read_secrets(const NodeOptions& options) {
  NodeSecrets secrets{.tls = start_tls(options), .credentials = nullptr};
  if (options.auth_file.empty()) return secrets;
  secrets.credentials = std::make_unique<net::CredentialFile>(options.auth_file);
  if (const auto wrong = secrets.credentials->reload()) throw std::runtime_error("-Y " + *wrong);
  return secrets;
}

}  // namespace ringcache::store
