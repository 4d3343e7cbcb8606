#include "tests/net/net_fixture.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/resolver.h"

namespace ringcache::net::testing {

namespace {

bool wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) > 0;
}

}  // namespace

Client::Client(const Address& address) {
  Endpoint endpoint;
  const bool good = address.kind == Address::Kind::kUnix
                        ? unix_endpoint(address.path, endpoint)
                        : numeric_endpoint(address.host, address.port, endpoint);
  REQUIRE(good);
  fd_ = ::socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd_ >= 0);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.length) != 0) {
    error_ = errno;
    close();
  }
}

Client::~Client() {
  close();
}

void Client::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Client::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_for(fd_, POLLOUT)) return false;
    const std::size_t sent = send_some(bytes);
    if (sent == 0 && errno != EAGAIN) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

std::size_t Client::send_some(std::string_view bytes) {
  const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::string Client::receive(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count && wait_for(fd_, POLLIN)) {
    const ssize_t got = ::recv(fd_, bytes.data() + have, count - have, 0);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::string Client::receive_all() {
  std::string all;
  while (true) {
    const std::string part = receive(1);
    if (part.empty()) return all;
    all += part;
    char more[4096];
    const ssize_t got = ::recv(fd_, more, sizeof more, MSG_DONTWAIT);
    if (got > 0) all.append(more, static_cast<std::size_t>(got));
  }
}

void Client::end_output() {
  ::shutdown(fd_, SHUT_WR);
}

TestServer::TestServer(HandlerFactory factory, ListenerOptions options, std::size_t workers,
                       const Clock* clock) {
  IoThreadsOptions thread_options;
  thread_options.count = workers;
  thread_options.clock = clock;
  threads = std::make_unique<IoThreads>(thread_options);
  REQUIRE(threads->start() == std::nullopt);
  if (options.addresses.empty()) options.addresses = {Address::tcp("127.0.0.1", 0)};
  listener = std::make_unique<Listener>(*threads, std::move(options), std::move(factory));
  const std::optional<std::string> error = listener->start();
  REQUIRE_MESSAGE(!error, error.value_or(""));
}

TestServer::~TestServer() {
  listener->stop();
  threads->stop();
  threads->join();
}

std::string pattern(std::size_t bytes, std::size_t seed) {
  std::string text(bytes, '\0');
  for (std::size_t index = 0; index < bytes; ++index) {
    text[index] = static_cast<char>('a' + (index * 7 + index / 251 + seed) % 26);
  }
  return text;
}

}  // namespace ringcache::net::testing
