// What the files of -Y and -Z say when the node starts. They are read before root's rights are
// given up (-u): keys and passwords are often readable by root alone. SIGHUP and `refresh_certs`
// read them again, with the rights that the process has by then.
#pragma once

#include <memory>

#include "net/credentials.h"
#include "net/tls_context.h"
#include "store/node_options.h"

namespace ringcache::store {

struct NodeSecrets {
  std::shared_ptr<net::TlsContext> tls;              // nullptr without -Z
  std::unique_ptr<net::CredentialFile> credentials;  // nullptr without -Y
};

// Throws std::runtime_error, naming the option and the file: one that can't be read, or is wrong.
NodeSecrets read_secrets(const NodeOptions& options);

}  // namespace ringcache::store
