// A whole proxy between any client and any nodes. Input: one byte that says how to cut the client's
// bytes, one of switches (2 nodes, coalesce, 2 connections a node, values above 64 bytes pass
// through, near cache), then what the client sends, then after a line "====" what nodes say, in
// turns that lines "----" separate: whenever bytes come from the proxy, the next turn is the
// answer; behind the last one the connection is closed. Checked: the client gets only whole replies
// of memcached's forms and then the end, whatever the nodes say, and nothing stays in flight.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/log.h"
#include "proxy/proxy_server.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/reply_forms.h"
#include "tests/fuzz/scripted_nodes.h"
#include "tests/fuzz/split_bytes.h"

namespace {

using namespace ringcache;
using test::fuzz_check;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kNodes = 2;
constexpr std::chrono::seconds kPatience{60};  // only reached when something is broken
constexpr std::string_view kNodesBegin = "\n====\n";

std::string socket_path(std::string_view name) {
  return "/tmp/ringcache-fuzz-" + std::to_string(::getpid()) + "-" + std::string(name);
}

proxy::ProxyOptions options_for(std::uint8_t switches, const test::ScriptedNodes& nodes) {
  routing::PoolOptions pool;
  pool.name = "main";
  pool.ring = routing::RingKind::kModula;
  pool.coalesce = (switches & 2) != 0;
  pool.connections_per_node = (switches & 4) != 0 ? 2 : 1;
  if ((switches & 16) != 0) pool.near_cache.bytes = 1 << 20;
  if ((switches & 32) != 0) pool.replicas = 2;
  pool.timeouts.request = std::chrono::milliseconds(20);
  for (std::size_t i = 0; i < ((switches & 1) != 0 ? kNodes : 1); ++i) {
    pool.backends.push_back(routing::parse_backend(nodes.address(i)).backend);
  }
  proxy::ProxyOptions options;
  options.listen = {"unix:" + socket_path("proxy")};
  options.threads = 1;
  options.limits.item_bytes = 4096;
  if ((switches & 8) != 0) {
    options.limits.cut_through_bytes = 64;
    options.limits.cut_through_window_bytes = 256;
    options.limits.upload_stall = std::chrono::milliseconds(50);
  }
  options.limits.shutdown_grace = std::chrono::milliseconds(0);
  options.pools = {pool};
  return options;
}

// Sends all, reads meanwhile, ends its side, and has what came until the end of the other.
class FuzzClient {
 public:
  explicit FuzzClient(const net::Address& address) : fd_(test::connect_unix(address.path)) {}
  ~FuzzClient() { ::close(fd_); }
  FuzzClient(const FuzzClient&) = delete;
  FuzzClient& operator=(const FuzzClient&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty() && !ended_) {
      const short events = wait(POLLIN | POLLOUT);
      if ((events & (POLLIN | POLLHUP)) != 0) receive();
      if ((events & POLLOUT) == 0) continue;
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) return;
    }
  }
  const std::string& end() {
    ::shutdown(fd_, SHUT_WR);
    while (!ended_) {
      wait(POLLIN);
      receive();
    }
    return received_;
  }

 private:
  short wait(short events) const {
    pollfd entry{fd_, events, 0};
    const std::chrono::milliseconds patience = kPatience;
    int ready = 0;
    do {  // the fuzzer's own timer interrupts it now and then
      ready = ::poll(&entry, 1, static_cast<int>(patience.count()));
    } while (ready < 0 && errno == EINTR);
    fuzz_check(ready == 1, "the client waits");
    return entry.revents;
  }
  void receive() {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) received_.append(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN)) ended_ = true;
  }

  int fd_;
  bool ended_ = false;
  std::string received_;
};

void check_nothing_in_flight(const proxy::ProxyServer& server) {
  const Clock::time_point until = Clock::now() + kPatience;
  while (server.stats_proxy().find("main:in_flight 0\r\n") == std::string::npos) {
    fuzz_check(Clock::now() < until, "requests stay in flight");
  }
}

test::ScriptedNodes& scripted_nodes() {
  static test::ScriptedNodes nodes(socket_path("node"), kNodes);
  return nodes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const bool is_quiet = [] {
    std::signal(SIGPIPE, SIG_IGN);
    net::set_log_level(net::LogLevel::kOff);
    return true;
  }();
  static_cast<void>(is_quiet);
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t border = std::min(text.find(kNodesBegin), text.size());
  test::ScriptedNodes& nodes = scripted_nodes();
  nodes.play(border == text.size() ? "" : text.substr(border + kNodesBegin.size()));
  proxy::ProxyServer server(options_for(data[1], nodes));
  const auto error = server.start();
  fuzz_check(!error, error.value_or(""));
  FuzzClient client(server.bound().front());
  for (const std::string_view piece : test::split_bytes(text.substr(0, border), data[0])) {
    client.send(piece);
  }
  const std::string& answers = client.end();
  const std::string wrong = text.starts_with('\x80') ? test::first_strange_packet(answers)
                                                     : test::first_strange_reply(answers);
  fuzz_check(wrong.empty(), wrong);
  check_nothing_in_flight(server);
  return 0;
}
