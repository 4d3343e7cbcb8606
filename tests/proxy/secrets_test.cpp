// What of the secrets needs no certificates; those are in tests/e2e/proxy_tls_test.py.
#include "proxy/secrets.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace ringcache::proxy {

namespace {

routing::PoolOptions pool_with_password(const std::string& file) {
  routing::PoolOptions pool;
  pool.name = "main";
  pool.auth = routing::NodeAuthOptions{.file = file};
  return pool;
}

// Only their owner may read passwords.
std::string write_secret(const test::TemporaryFolder& folder, std::string_view name,
                         std::string_view text) {
  const std::string file = folder.write(name, text);
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  return file;
}

std::string pointers(const std::vector<SecretProblem>& problems) {
  std::string all;
  for (const SecretProblem& each : problems) all += each.pointer + " ";
  return all;
}

}  // namespace

TEST_CASE("without tls and auth there is nothing to read") {
  ProxyOptions options;
  options.pools.emplace_back();
  std::vector<SecretProblem> problems;
  const Secrets secrets = load_secrets(options, problems);
  CHECK(problems.empty());
  CHECK(secrets.client_tls == nullptr);
  CHECK(secrets.credentials == nullptr);
  REQUIRE(secrets.pools.size() == 1);
  CHECK(secrets.pools[0].tls == nullptr);
  CHECK(secrets.pools[0].login == nullptr);
  CHECK(secret_files(options).empty());
}

TEST_CASE("a node is told its name and password as memcached wants them") {
  const test::TemporaryFolder folder;
  ProxyOptions options;
  options.pools = {pool_with_password(write_secret(folder, "nodes", "proxy:s3cret\n"))};
  std::vector<SecretProblem> problems;
  const Secrets secrets = load_secrets(options, problems);
  CHECK(pointers(problems) == "");
  REQUIRE(secrets.pools[0].login != nullptr);
  CHECK(*secrets.pools[0].login == "set ringcache-proxy-login 0 -1 12\r\nproxy s3cret\r\n");
}

TEST_CASE("files that are bad are told by the field, and not what they say") {
  const test::TemporaryFolder folder;
  ProxyOptions options;
  options.auth = ClientAuthOptions{.file = folder.path("absent")};
  options.pools = {pool_with_password(write_secret(folder, "two", "a:hunter2\nb:hunter3\n"))};
  std::vector<SecretProblem> problems;
  load_secrets(options, problems);
  CHECK(pointers(problems) == "/auth/file /pools/main/auth/file ");
  for (const SecretProblem& each : problems) {
    CHECK(each.text.find("hunter") == std::string::npos);
    CHECK(each.text.find(folder.path("")) != std::string::npos);
  }
}

TEST_CASE("the files are listed once each") {
  ProxyOptions options;
  options.tls = ClientTlsOptions{};
  options.tls->certificate = options.tls->key = "both.pem";
  options.auth = ClientAuthOptions{.file = "passwords"};
  options.pools = {pool_with_password("passwords")};
  options.pools[0].tls = routing::NodeTlsOptions{};
  options.pools[0].tls->ca = "ca.pem";
  CHECK(secret_files(options) == std::vector<std::string>{"both.pem", "ca.pem", "passwords"});
}

}  // namespace ringcache::proxy
