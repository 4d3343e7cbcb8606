#include "store/node_process.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "net/log.h"

using namespace ringcache;
using namespace ringcache::store;

namespace {

// A folder of its own for a test, and what the log says meanwhile.
struct Surroundings {
  Surroundings() {
    std::string name = (std::filesystem::temp_directory_path() / "ringcache-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
    net::set_up_log({.out = &log});
  }
  ~Surroundings() {
    net::set_up_log({});
    std::filesystem::remove_all(folder);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder / name);
    std::string text;
    std::getline(file, text);
    return text;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
  }
  bool logged(const std::string& text) const { return log.str().find(text) != std::string::npos; }

  std::filesystem::path folder;
  std::ostringstream log;
};

const std::string kOwn = std::to_string(::getpid());

}  // namespace

TEST_CASE("the pid file is there as long as its object") {
  const Surroundings here;
  {
    const PidFile file(here.folder / "pid");
    CHECK(here.read("pid") == kOwn);
    CHECK_FALSE(std::filesystem::exists(here.folder / "pid.tmp"));
  }
  CHECK_FALSE(std::filesystem::exists(here.folder / "pid"));
  CHECK(here.log.str().empty());
  const PidFile none("");
}

TEST_CASE("a pid file that names a living process is replaced with a warning") {
  const Surroundings here;
  here.write("pid", std::to_string(::getppid()) + "\n");
  const PidFile file(here.folder / "pid");
  CHECK(here.read("pid") == kOwn);
  CHECK(here.logged("names a process that is running"));
}

TEST_CASE("what is left of a process that is gone is replaced silently") {
  const Surroundings here;
  for (const char* text : {"", "0", "-1", "nonsense", "99999999999999999999", "2147483647"}) {
    CAPTURE(text);
    here.write("pid", text);
    here.write("pid.tmp", "half");
    const PidFile file(here.folder / "pid");
    CHECK(here.read("pid") == kOwn);
  }
  CHECK(here.log.str().empty());
}

TEST_CASE("a link is replaced, not followed") {
  const Surroundings here;
  here.write("precious", "text");
  std::filesystem::create_symlink(here.folder / "precious", here.folder / "pid");
  std::filesystem::create_symlink(here.folder / "precious", here.folder / "pid.tmp");
  const PidFile file(here.folder / "pid");
  CHECK(here.read("precious") == "text");
  CHECK(here.read("pid") == kOwn);
}

TEST_CASE("a pid file that can't be written is a warning, and another's is not removed") {
  const Surroundings here;
  { const PidFile file(here.folder / "absent" / "pid"); }
  CHECK(here.logged("cannot write the pid file"));
  {
    const PidFile file(here.folder / "pid");
    here.write("pid", "1\n");
  }
  CHECK(here.read("pid") == "1");
}

TEST_CASE("a daemon's paths do not depend on its folder") {
  NodeOptions options;
  options.process.pid_file = "x.pid";
  options.auth_file = "/etc/passwords";
  options.listen = {net::Address::unix_path("x.sock"), net::Address::tcp("127.0.0.1", 1)};
  make_paths_absolute(options);
  const std::string folder = std::filesystem::current_path().string();
  CHECK(options.process.pid_file == folder + "/x.pid");
  CHECK(options.auth_file == "/etc/passwords");
  CHECK(options.listen[0].path == folder + "/x.sock");
  CHECK(options.listen[1] == net::Address::tcp("127.0.0.1", 1));
}

TEST_CASE("descriptors for every client, or an error that says how many") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK_FALSE(raise_descriptor_limit(10));
  const auto wrong = raise_descriptor_limit(4'000'000'000);
  REQUIRE(wrong);
  CHECK(wrong->find("needs 4000000128 file descriptors") != std::string::npos);
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == before.rlim_cur);
}

TEST_CASE("a user that is not there is named") {
  const auto wrong = take_identity("no-such-user-here");
  CHECK(wrong.has_value() == (::geteuid() == 0));  // only root changes, as in memcached
  if (wrong) CHECK(*wrong == "-u no-such-user-here: there is no such user");
  CHECK_FALSE(take_identity(""));
}
