#include "net/shutdown.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "tests/net/net_fixture.h"

using namespace ringcache::net;
using namespace ringcache::net::testing;

namespace {

bool is_default(int signal) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}

}  // namespace

TEST_CASE("SIGHUP reloads, SIGTERM drains and ends, a second one would kill") {
  std::string order;
  Shutdown shutdown({.on_drain =
                         [&] {
                           order += 'D';
                           CHECK(is_default(SIGTERM));
                           CHECK(is_default(SIGINT));
                         },
                     .on_reload =
                         [&] {
                           order += 'R';
                           // Signals are taken one after the other, so this order is certain.
                           ::kill(::getpid(), order == "R" ? SIGHUP : SIGTERM);
                         }});
  shutdown.post([&] { ::kill(::getpid(), SIGHUP); });
  CHECK(shutdown.run() == SIGTERM);
  CHECK(order == "RRD");
}

TEST_CASE("a signal before run() is not lost") {
  int drains = 0;
  Shutdown shutdown({.on_drain = [&] { ++drains; }, .on_reload = {}});
  ::kill(::getpid(), SIGINT);
  CHECK(shutdown.run() == SIGINT);
  CHECK(drains == 1);
}

TEST_CASE("without a reload callback SIGHUP does nothing, SIGPIPE never does") {
  Shutdown shutdown({.on_drain = {}, .on_reload = {}});
  shutdown.post([&] {
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGPIPE);
    ::kill(::getpid(), SIGTERM);
  });
  CHECK(shutdown.run() == SIGTERM);
}

TEST_CASE("another thread may ask for the end") {
  bool drained = false;
  Shutdown shutdown({.on_drain = [&] { drained = true; }, .on_reload = {}});
  std::thread other([&] { shutdown.request(); });
  CHECK(shutdown.run() == 0);
  other.join();
  CHECK(drained);
}

TEST_CASE("systemd is told") {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "net_test_notify.sock";
  std::memcpy(address.sun_path, path.data(), path.size());
  ::unlink(path.c_str());
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  std::array<char, 4096> cwd{};
  REQUIRE(::getcwd(cwd.data(), cwd.size()) != nullptr);
  ::setenv("NOTIFY_SOCKET", (std::string(cwd.data()) + '/' + path).c_str(), 1);
  notify_ready("serving on 127.0.0.1:11211");
  std::array<char, 256> message{};
  ssize_t count = ::recv(fd, message.data(), message.size(), 0);
  REQUIRE(count > 0);
  CHECK(std::string(message.data(), static_cast<std::size_t>(count)) ==
        "READY=1\nSTATUS=serving on 127.0.0.1:11211");
  notify_stopping();
  count = ::recv(fd, message.data(), message.size(), 0);
  CHECK(std::string(message.data(), static_cast<std::size_t>(count)) == "STOPPING=1");
  ::unsetenv("NOTIFY_SOCKET");
  notify_ready("nobody listens");  // does nothing
  ::close(fd);
  ::unlink(path.c_str());
}
