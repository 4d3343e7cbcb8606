#include "config/access_fields.h"

#include <algorithm>
#include <chrono>

#include "config/value_codecs.h"

namespace ringcache::config {
namespace {

using namespace std::chrono_literals;
using proxy::ClientAuthOptions;
using proxy::ClientTlsOptions;
using routing::NodeAuthOptions;
using routing::NodeTlsOptions;

constexpr std::size_t kPathBytesMax = 4096;
constexpr std::size_t kCiphersBytesMax = 4096;
constexpr std::size_t kServerNameBytesMax = 253;

// null, or an object with the fields of `table`, which must outlive the codec.
template <typename T>
Codec<std::optional<T>> object_or_null(const Table<T>& table) {
  auto decode = [&table](DecodeContext& context, const JsonNode& json, std::optional<T>& value) {
    value.reset();
    if (json.is(JsonKind::kNull)) return true;
    if (!json.is(JsonKind::kObject)) return context.type_error(json, "an object or null");
    return table.decode(context, json, value.emplace());
  };
  auto encode = [&table](const std::optional<T>& value) {
    return value ? table.encode(*value) : Json();
  };
  Json schema = table.schema();
  schema["type"] = Json::array({"object", "null"});
  return {.decode = std::move(decode),
          .encode = std::move(encode),
          .schema = std::move(schema),
          .type = "object or null",
          .inner = table.reference()};
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Codec<std::string> ciphers() {
  const auto error_of = [](std::string& list) {
    const bool good = !list.empty() && list.size() <= kCiphersBytesMax && is_visible(list);
    return std::string(good ? "" : "must be a list as `openssl ciphers` takes it");
  };
  return text({.type = "OpenSSL's list",
               .pattern = "^[!-~]{1,4096}$",
               .error_of = error_of,
               .null_is_empty = true});
}

Codec<std::string> server_name() {
  const auto error_of = [](std::string& name) {
    const bool good = !name.empty() && name.size() <= kServerNameBytesMax && is_visible(name) &&
                      name.find_first_of("/*") == name.npos;
    return std::string(good ? "" : "must be the name of a host, or its address without a port");
  };
  return text({.type = "host",
               .pattern = "^[!-)+-.0-~]{1,253}$",
               .error_of = error_of,
               .null_is_empty = true});
}

Codec<routing::TlsVersion> version() {
  return name_of<routing::TlsVersion>(routing::kTlsVersionNames);
}

const Table<ClientTlsOptions>& client_tls_table() {
  static const Table<ClientTlsOptions> kTable = [] {
    Table<ClientTlsOptions> t;
    t.add("certificate", &ClientTlsOptions::certificate, absolute_path(false),
          "PEM file: the proxy's certificate first, then those up to the root.")
        .required();
    t.add("key", &ClientTlsOptions::key, absolute_path(true),
          "PEM file with its private key, without a passphrase; null: it is in `certificate`.");
    t.add("client_ca", &ClientTlsOptions::client_ca, absolute_path(true),
          "PEM file: who signs the certificates of clients.");
    t.add("client_certificates", &ClientTlsOptions::client_certificates,
          name_of<proxy::ClientCertificates>(proxy::kClientCertificatesNames),
          "Whether clients are asked for a certificate of `client_ca`: with \"request\" one may "
          "come without, not with a bad one; with \"require\" each must have one.");
    t.add("min_version", &ClientTlsOptions::min_version, version(),
          "The oldest version of TLS that clients may speak.");
    t.add("ciphers", &ClientTlsOptions::ciphers, ciphers(),
          "Ciphers of TLS 1.2; null: OpenSSL's choice. Those of 1.3 are OpenSSL's.");
    t.add("handshake_timeout", &ClientTlsOptions::handshake_timeout, duration(100ms, 10min),
          "What a client may take for its part of the handshake.", Reload::kNeedsRestart);
    return t;
  }();
  return kTable;
}

const Table<ClientAuthOptions>& client_auth_table() {
  static const Table<ClientAuthOptions> kTable = [] {
    Table<ClientAuthOptions> t;
    t.add("file", &ClientAuthOptions::file, absolute_path(false),
          "Up to 8 lines `name:password`, as memcached's `-Y` has them.")
        .required();
    t.add("timeout", &ClientAuthOptions::timeout, duration(0ms, 1h),
          "A client that has not said who it is by then is closed; \"0s\": it may take its time.");
    return t;
  }();
  return kTable;
}

const Table<NodeTlsOptions>& node_tls_table() {
  static const Table<NodeTlsOptions> kTable = [] {
    Table<NodeTlsOptions> t;
    t.add("ca", &NodeTlsOptions::ca, absolute_path(true),
          "PEM file: who signs the nodes' certificates; null: whom the system trusts.");
    t.add(
        "certificate", &NodeTlsOptions::certificate, absolute_path(true),
        "PEM file: the certificate to show to nodes that ask for one, then those up to the root.");
    t.add("key", &NodeTlsOptions::key, absolute_path(true),
          "PEM file with its private key, without a passphrase; null: it is in `certificate`.");
    t.add(
        "server_name", &NodeTlsOptions::server_name, server_name(),
        "The name that every node's certificate must have; null: the host of the node's address.");
    t.add("verify", &NodeTlsOptions::verify, flag(),
          "false takes any certificate of any name: what passes is hidden from who only listens, "
          "and whoever gets between proxy and node can read and write all of it.");
    t.add("min_version", &NodeTlsOptions::min_version, version(),
          "The oldest version of TLS that is spoken with the nodes.");
    t.add("ciphers", &NodeTlsOptions::ciphers, ciphers(),
          "Ciphers of TLS 1.2; null: OpenSSL's choice. Those of 1.3 are OpenSSL's.");
    return t;
  }();
  return kTable;
}

const Table<NodeAuthOptions>& node_auth_table() {
  static const Table<NodeAuthOptions> kTable = [] {
    Table<NodeAuthOptions> t;
    t.add("file", &NodeAuthOptions::file, absolute_path(false),
          "One line `name:password`, which each connection to a node begins with.")
        .required();
    return t;
  }();
  return kTable;
}

}  // namespace

Codec<std::string> absolute_path(bool null_is_empty) {
  const auto error_of = [](std::string& path) -> std::string {
    if (!path.starts_with('/')) return "must be an absolute path";
    if (path.size() > kPathBytesMax) return "a path has at most 4096 bytes";
    return path.find('\0') != path.npos ? "a path has no NUL" : "";
  };
  return text({.type = "absolute path",
               .pattern = "^/",
               .error_of = error_of,
               .null_is_empty = null_is_empty});
}

Codec<std::optional<ClientTlsOptions>> client_tls() {
  return object_or_null(client_tls_table());
}
Codec<std::optional<ClientAuthOptions>> client_auth() {
  return object_or_null(client_auth_table());
}
Codec<std::optional<NodeTlsOptions>> node_tls() {
  return object_or_null(node_tls_table());
}
Codec<std::optional<NodeAuthOptions>> node_auth() {
  return object_or_null(node_auth_table());
}

void check_client_access(const proxy::ProxyOptions& options,
                         const std::function<void(const std::string&, std::string)>& error) {
  const auto has_tls = [](const std::string& address) {
    return address.starts_with(proxy::kTlsListenPrefix);
  };
  const auto first = std::find_if(options.listen.begin(), options.listen.end(), has_tls);
  if (first != options.listen.end() && !options.tls) {
    error("/listen/" + std::to_string(first - options.listen.begin()),
          "TLS needs a certificate: \"tls\": {\"certificate\": \"/path\"}");
  }
  if (!options.tls) return;
  if (first == options.listen.end()) {
    error("/tls", "no address of \"listen\" has TLS: \"tls:127.0.0.1:11212\" would");
  }
  const bool asks = options.tls->client_certificates != proxy::ClientCertificates::kNone;
  if (asks && options.tls->client_ca.empty()) {
    error("/tls/client_certificates", "needs \"client_ca\", to know good certificates by");
  }
  if (!asks && !options.tls->client_ca.empty()) {
    error("/tls/client_ca",
          "nobody is asked for a certificate: \"client_certificates\" is \"none\"");
  }
}

}  // namespace ringcache::config
