// Which load answers whom, how often files are read, and what stop() leaves out.
#include "store/node_certificate_loader.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/net/net_fixture.h"
#include "tests/net/tls_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace std::chrono_literals;
using net::testing::Certificate;
using net::testing::Mailbox;
using SteadyClock = std::chrono::steady_clock;

namespace {

struct Answer {
  std::size_t worker;
  std::uint64_t number;
  bool good;
};

// A loader whose loads last until the test has written the certificate into a pipe.
struct Loading {
  Loading() {
    REQUIRE_FALSE(threads.start());
    REQUIRE_FALSE(loader.start());
  }
  ~Loading() {
    // Whoever still waits for a writer has one.
    const int both_ends = ::open(context.options().chain_file.c_str(), O_RDWR | O_NONBLOCK);
    loader.stop();
    ::close(both_ends);
    threads.stop();
    threads.join();
    CHECK(answers.size() == 0);
    std::filesystem::remove_all(folder);
  }

  // A key in a file, a certificate in a pipe, whose reader waits for its writer.
  net::TlsOptions make_files() const {
    std::filesystem::create_directory(folder);
    net::TlsOptions options;
    options.key_file = certificate.write(folder / "key");
    options.chain_file = folder / "chain";
    REQUIRE(::mkfifo(options.chain_file.c_str(), 0600) == 0);
    return options;
  }
  // Waits for the pipe's reader.
  void wait_for_load() {
    const auto until = SteadyClock::now() + net::testing::kPatience;
    while ((pipe = ::open(context.options().chain_file.c_str(), O_WRONLY | O_NONBLOCK)) < 0) {
      REQUIRE(SteadyClock::now() < until);
      std::this_thread::yield();
    }
  }
  void end_load() {
    const std::string pem = certificate.pem();
    CHECK(::write(pipe, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()));
    ::close(pipe);
  }
  void expect(std::uint64_t number) {
    const auto answer = answers.take();
    REQUIRE(answer);
    CHECK(answer->number == number);
    CHECK(answer->good);
    last_worker = answer->worker;
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("ringcache-loader-" + std::to_string(::getpid()));
  const Certificate certificate{"node"};
  int pipe = -1;
  Mailbox<Answer> answers;
  std::size_t last_worker = 0;
  net::TlsContext context{make_files()};
  net::IoThreads threads{{.count = 2}};
  CertificateLoader loader{
      context, threads,
      [this](std::size_t worker, std::uint64_t number, const CertificateLoader::Wrong& wrong) {
        CHECK(net::IoThreads::current_index() == worker);
        answers.put({worker, number, !wrong->has_value()});
      }};
};

}  // namespace

TEST_CASE("those who ask while certificates are read share the next load") {
  Loading test;
  CHECK(test.loader.ask(0) == 1);
  test.wait_for_load();
  for (int i = 0; i < 100; ++i) {
    CHECK(test.loader.ask(0) == 2);
    CHECK(test.loader.ask(1) == 2);
  }
  test.end_load();
  test.expect(1);
  CHECK(test.last_worker == 0);
  test.wait_for_load();
  test.end_load();
  test.expect(2);
  const std::size_t other = test.last_worker;
  test.expect(2);
  CHECK(other + test.last_worker == 1);
  CHECK(test.loader.loads() == 2);
}

TEST_CASE("a load is followed by a rest in proportion, however often it is asked") {
  Loading test;
  test.loader.ask(0);
  test.wait_for_load();
  const SteadyClock::time_point began = SteadyClock::now();
  std::this_thread::sleep_for(20ms);  // a slow disk
  const SteadyClock::time_point ended = SteadyClock::now();
  test.end_load();
  test.expect(1);
  CHECK(test.loader.ask(0) == 2);
  test.wait_for_load();
  const SteadyClock::duration rested = SteadyClock::now() - ended;
  CHECK(rested >= std::min<SteadyClock::duration>((ended - began) * kRestFactor, kRestMax));
  test.end_load();
  test.expect(2);
}

TEST_CASE("who asked for a load that has not begun when the loader stops hears nothing") {
  Loading test;
  test.loader.ask(0);
  test.wait_for_load();
  CHECK(test.loader.ask(1) == 2);
  std::thread stopping([&] { test.loader.stop(); });
  const auto until = SteadyClock::now() + net::testing::kPatience;
  while (test.loader.ask(1) != 0 && SteadyClock::now() < until) std::this_thread::yield();
  CHECK(test.loader.ask(1) == 0);
  test.end_load();
  stopping.join();
  test.expect(1);
  CHECK(test.loader.loads() == 1);
}
