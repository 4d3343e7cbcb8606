#include "proxy/secrets.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/response.h"

namespace ringcache::proxy {

namespace {

// A node that asks for no password stores what it is sent: under a key that nobody else has, and so
// that it is gone at once.
constexpr std::string_view kLoginLine = "set ringcache-proxy-login 0 -1 ";

net::TlsVersion version_of(routing::TlsVersion version) {
  return version == routing::TlsVersion::k13 ? net::TlsVersion::k13 : net::TlsVersion::k12;
}

net::TlsOptions server_side(const ClientTlsOptions& wanted) {
  net::TlsOptions options;
  options.chain_file = wanted.certificate;
  options.key_file = wanted.key;
  options.ca_file = wanted.client_ca;
  options.verify = static_cast<net::TlsVerify>(wanted.client_certificates);
  options.ciphers = wanted.ciphers;
  options.min_version = version_of(wanted.min_version);
  options.session_cache = true;
  options.handshake_timeout = wanted.handshake_timeout;
  return options;
}
static_assert(
    static_cast<int>(ClientCertificates::kNone) == static_cast<int>(net::TlsVerify::kNone) &&
    static_cast<int>(ClientCertificates::kRequest) == static_cast<int>(net::TlsVerify::kRequest) &&
    static_cast<int>(ClientCertificates::kRequire) == static_cast<int>(net::TlsVerify::kRequire));

net::TlsClientOptions client_side(const routing::NodeTlsOptions& wanted) {
  net::TlsClientOptions options;
  options.ca_file = wanted.ca;
  options.chain_file = wanted.certificate;
  options.key_file = wanted.key;
  options.server_name = wanted.server_name;
  options.verify = wanted.verify;
  options.ciphers = wanted.ciphers;
  options.min_version = version_of(wanted.min_version);
  return options;
}

class Loader {
 public:
  explicit Loader(std::vector<SecretProblem>& problems) : problems_(problems) {}

  PoolSecrets load_pool(const routing::PoolOptions& pool) {
    const std::string pointer = "/pools/" + pool.name;
    PoolSecrets secrets;
    if (pool.tls) {
      secrets.tls = std::make_shared<net::TlsClientContext>(client_side(*pool.tls));
      check(pointer + "/tls", secrets.tls->load());
    }
    if (pool.auth) secrets.login = load_login(pool.auth->file, pointer + "/auth/file");
    return secrets;
  }

  std::shared_ptr<net::TlsContext> load_tls(const ClientTlsOptions& wanted) {
    auto context = std::make_shared<net::TlsContext>(server_side(wanted));
    check("/tls", context->refresh());
    return context;
  }

  std::shared_ptr<const net::Credentials> load_passwords(const std::string& file,
                                                         const std::string& pointer) {
    auto credentials = std::make_shared<net::Credentials>();
    check(pointer, credentials->load(file));
    return credentials;
  }

 private:
  std::shared_ptr<const std::string> load_login(const std::string& file,
                                                const std::string& pointer) {
    const auto credentials = load_passwords(file, pointer);
    if (credentials->size() == 0) return nullptr;  // reported
    if (credentials->size() > 1) {
      check(pointer, file + ": more than one line, and a node is told one name");
    }
    const net::Credentials::Entry& entry = credentials->entry(0);
    const std::string block = entry.name + " " + entry.password;
    std::string command(kLoginLine);
    command.append(std::to_string(block.size())).append(protocol::kCrlf);
    command.append(block).append(protocol::kCrlf);
    return std::make_shared<const std::string>(std::move(command));
  }

  void check(const std::string& pointer, const std::optional<std::string>& wrong) {
    if (wrong) problems_.push_back({pointer, *wrong});
  }

  std::vector<SecretProblem>& problems_;
};

}  // namespace

Secrets load_secrets(const ProxyOptions& options, std::vector<SecretProblem>& problems) {
  Loader loader(problems);
  Secrets secrets;
  if (options.tls) secrets.client_tls = loader.load_tls(*options.tls);
  if (options.auth) secrets.credentials = loader.load_passwords(options.auth->file, "/auth/file");
  for (const routing::PoolOptions& pool : options.pools) {
    secrets.pools.push_back(loader.load_pool(pool));
  }
  return secrets;
}

std::vector<std::string> secret_files(const ProxyOptions& options) {
  std::vector<std::string> files;
  if (options.tls) {
    files.insert(files.end(), {options.tls->certificate, options.tls->key, options.tls->client_ca});
  }
  if (options.auth) files.push_back(options.auth->file);
  for (const routing::PoolOptions& pool : options.pools) {
    if (pool.tls) files.insert(files.end(), {pool.tls->ca, pool.tls->certificate, pool.tls->key});
    if (pool.auth) files.push_back(pool.auth->file);
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::erase(files, std::string());
  return files;
}

}  // namespace ringcache::proxy
