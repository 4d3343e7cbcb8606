// Which load answers whom.
#include "store/node_certificate_loader.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/net/net_fixture.h"
#include "tests/net/tls_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using net::testing::Certificate;
using net::testing::Mailbox;

TEST_CASE("those who ask while certificates are read share the next load") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("ringcache-loader-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const Certificate certificate("node");
  net::TlsOptions options;
  options.key_file = certificate.write(folder / "key");
  options.chain_file = folder / "chain";
  // A reader of a pipe waits for its writer.
  REQUIRE(::mkfifo(options.chain_file.c_str(), 0600) == 0);

  struct Answer {
    std::size_t worker;
    std::uint64_t number;
    bool good;
  };
  Mailbox<Answer> answers;
  net::TlsContext context(options);
  net::IoThreads threads({.count = 2});
  REQUIRE_FALSE(threads.start());
  CertificateLoader loader(
      context, threads,
      [&](std::size_t worker, std::uint64_t number, const CertificateLoader::Wrong& wrong) {
        CHECK(net::IoThreads::current_index() == worker);
        answers.put({worker, number, !wrong->has_value()});
      });
  REQUIRE_FALSE(loader.start());

  CHECK(loader.ask(0) == 1);
  std::ofstream pipe(options.chain_file);  // waits for its reader: the load has begun
  for (int i = 0; i < 100; ++i) {
    CHECK(loader.ask(0) == 2);
    CHECK(loader.ask(1) == 2);
  }
  pipe << certificate.pem();
  pipe.close();
  const auto first = answers.take();
  REQUIRE(first);
  CHECK(first->worker == 0);
  CHECK(first->number == 1);
  CHECK(first->good);
  certificate.write(options.chain_file);
  std::size_t workers = 0;
  for (int i = 0; i < 2; ++i) {
    const auto next = answers.take();
    REQUIRE(next);
    CHECK(next->number == 2);
    CHECK(next->good);
    workers += next->worker;
  }
  CHECK(workers == 1);
  CHECK(loader.loads() == 2);
  loader.stop();
  threads.stop();
  threads.join();
  CHECK(answers.size() == 0);
  std::filesystem::remove_all(folder);
}
