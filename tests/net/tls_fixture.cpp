#include "tests/net/tls_fixture.h"

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <fstream>

namespace ringcache::net::testing {

namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(bytes));
  BIO_free(bio);
  return text;
}

}  // namespace

Certificate::Certificate(const std::string& name, const Certificate* issuer, long valid_s)
    : x509_(X509_new()), key_(EVP_EC_gen("P-256")) {
  REQUIRE(x509_ != nullptr);
  REQUIRE(key_ != nullptr);
  static long serial = 1;
  X509_set_version(x509_, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509_), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509_), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509_), valid_s);
  X509_set_pubkey(x509_, key_);
  X509_NAME* const subject = X509_get_subject_name(x509_);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509_, issuer != nullptr ? X509_get_subject_name(issuer->x509_) : subject);
  if (issuer == nullptr) {
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(x509_, extension, -1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(x509_, issuer != nullptr ? issuer->key_ : key_, EVP_sha256()) != 0);
}

Certificate::~Certificate() {
  X509_free(x509_);
  EVP_PKEY_free(key_);
}

std::string Certificate::pem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, x509_);
  PEM_write_bio_PrivateKey(bio, key_, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio);
}

std::string Certificate::key_der() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  i2d_PrivateKey_bio(bio, key_);
  return text_of(bio);
}

std::string Certificate::write(const std::string& path) const {
  std::ofstream(path, std::ios::binary) << pem();
  return path;
}

TlsClient::TlsClient(const Address& address, const Certificate* own, int version)
    : plain_(address), context_(SSL_CTX_new(TLS_client_method())) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own writes raise it
  if (version != 0) {
    SSL_CTX_set_min_proto_version(context_, version);
    SSL_CTX_set_max_proto_version(context_, version);
  }
  if (own != nullptr) {
    SSL_CTX_use_certificate(context_, own->x509());
    SSL_CTX_use_PrivateKey(context_, own->key());
  }
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, plain_.fd());
  connected_ = SSL_connect(ssl_) == 1;
}

TlsClient::~TlsClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

bool TlsClient::send(std::string_view bytes) {
  return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

std::string TlsClient::receive(std::size_t count) {
  std::string text(count, '\0');
  std::size_t at = 0;
  while (at < count) {
    std::size_t bytes = 0;
    if (SSL_read_ex(ssl_, text.data() + at, count - at, &bytes) != 1) break;
    at += bytes;
  }
  text.resize(at);
  return text;
}

std::string TlsClient::receive_all() {
  std::string text;
  while (true) {
    const std::string more = receive(1);
    if (more.empty()) return text;
    text += more;
  }
}

bool TlsClient::was_told_of_the_end() const {
  return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void TlsClient::end_output() {
  SSL_shutdown(ssl_);
}

void TlsClient::ask_for_new_keys() {
  SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
}

bool TlsClient::renegotiate() {
  return SSL_renegotiate(ssl_) == 1 && SSL_do_handshake(ssl_) == 1;
}

std::string TlsClient::server_name() const {
  X509* const certificate = SSL_get1_peer_certificate(ssl_);
  REQUIRE(certificate != nullptr);
  char name[64] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  X509_free(certificate);
  return name;
}

HalfWayClient::HalfWayClient(const Address& address)
    : plain_(address), context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_);
  SSL_do_handshake(ssl_);
  hello_ = take_output();
  plain_.send(hello_);
}

HalfWayClient::~HalfWayClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

std::string HalfWayClient::take_output() {
  std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl_)), '\0');
  BIO_read(SSL_get_wbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

bool HalfWayClient::has_an_answer() {
  const std::string byte = plain_.receive(1);
  BIO_write(SSL_get_rbio(ssl_), byte.data(), static_cast<int>(byte.size()));
  return !byte.empty();
}

bool HalfWayClient::finish() {
  while (SSL_do_handshake(ssl_) != 1) {
    const std::string byte = plain_.receive(1);
    if (byte.empty()) return false;
    BIO_write(SSL_get_rbio(ssl_), byte.data(), 1);
  }
  // The server hears of the end only by this; it answers only when it is content.
  return plain_.send(record("x")) && received() == "x";
}

std::string HalfWayClient::record(std::string_view text) {
  SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  return take_output();
}

std::string HalfWayClient::received() {
  char byte = 0;
  while (SSL_read(ssl_, &byte, 1) != 1) {
    const std::string more = plain_.receive(1);
    if (more.empty()) return "";
    BIO_write(SSL_get_rbio(ssl_), more.data(), 1);
  }
  return {byte};
}

}  // namespace ringcache::net::testing
