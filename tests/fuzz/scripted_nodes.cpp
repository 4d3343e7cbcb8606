#include "tests/fuzz/scripted_nodes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/fuzz/fuzz_check.h"

namespace ringcache::test {

namespace {

constexpr std::string_view kTurnEnd = "\n----\n";
constexpr int kLookAroundMs = 100;  // for the end of the process

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  fuzz_check(path.size() < sizeof address.sun_path, "a socket's path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int listen_unix(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_un address = address_of(path);
  ::unlink(path.c_str());
  const bool good = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                    ::listen(fd, 64) == 0;
  fuzz_check(good, "cannot listen on " + path);
  return fd;
}

}  // namespace

int connect_unix(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(path);
  const bool good = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  fuzz_check(good, "cannot connect to " + path);
  return fd;
}

ScriptedNodes::ScriptedNodes(const std::string& path, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    paths_.push_back(path + std::to_string(i));
    listeners_.push_back(listen_unix(paths_.back()));
  }
  thread_ = std::thread([this] { run(); });
}

ScriptedNodes::~ScriptedNodes() {
  stopping_ = true;
  thread_.join();
  for (const int fd : connections_) ::close(fd);
  for (const int fd : listeners_) ::close(fd);
  for (const std::string& path : paths_) ::unlink(path.c_str());
}

void ScriptedNodes::play(std::string_view turns) {
  const std::lock_guard lock(mutex_);
  turns_.clear();
  while (!turns.empty()) {
    const std::size_t end = std::min(turns.find(kTurnEnd), turns.size());
    turns_.emplace_back(turns.substr(0, end));
    turns.remove_prefix(std::min(turns.size(), end + kTurnEnd.size()));
  }
}

void ScriptedNodes::run() {
  while (!stopping_) {
    std::vector<pollfd> entries;
    for (const int fd : listeners_) entries.push_back({fd, POLLIN, 0});
    for (const int fd : connections_) entries.push_back({fd, POLLIN, 0});
    if (::poll(entries.data(), entries.size(), kLookAroundMs) <= 0) continue;
    for (std::size_t i = listeners_.size(); i < entries.size(); ++i) {
      if (entries[i].revents == 0 || answer(entries[i].fd)) continue;
      ::close(entries[i].fd);
      std::erase(connections_, entries[i].fd);
    }
    accept_all();
  }
}

void ScriptedNodes::accept_all() {
  for (const int listener : listeners_) {
    for (int fd = 0; (fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      connections_.push_back(fd);
    }
  }
}

bool ScriptedNodes::answer(int fd) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got <= 0) return false;
  std::string reply = "VERSION 1.6.0\r\n";
  if (std::string_view(buffer.data(), static_cast<std::size_t>(got)) != "version\r\n") {
    const std::lock_guard lock(mutex_);
    if (turns_.empty()) return false;
    reply = std::move(turns_.front());
    turns_.pop_front();
  }
  // An input is smaller than what a socket takes.
  return ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(reply.size());
}

}  // namespace ringcache::test
