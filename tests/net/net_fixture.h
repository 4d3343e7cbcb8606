#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/connection.h"
#include "net/io_threads.h"
#include "net/listener.h"

/// For the tests of net/: values that threads hand to the test, and a blocking client.
namespace ringcache::net::testing {

/// Only reached when something is broken.
constexpr std::chrono::seconds kPatience{60};

/// What other threads report, in order; the test waits for it.
template <typename Value>
class Mailbox {
 public:
  void put(Value value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    // Under the lock: the taker may destroy the mailbox as soon as it has the value.
    arrived_.notify_all();
  }
  /// The next value; nothing if none comes.
  std::optional<Value> take(std::chrono::milliseconds patience = kPatience) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, patience, [this] { return !values_.empty(); })) {
      return std::nullopt;
    }
    Value value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Value> values_;
};

/// A plain blocking socket, as a client has it. Every wait is bounded by kPatience.
class Client {
 public:
  Client() = default;
  /// Not connected if that failed; error() then has the errno.
  explicit Client(const Address& address);
  ~Client();
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), error_(other.error_) {}
  Client& operator=(Client&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  bool connected() const { return fd_ >= 0; }
  int error() const { return error_; }
  int fd() const { return fd_; }
  /// False: the peer is gone.
  bool send(std::string_view bytes);
  /// As much as the kernel takes without waiting; the number of bytes.
  std::size_t send_some(std::string_view bytes);
  /// Exactly `count` bytes, or fewer if the peer closed before.
  std::string receive(std::size_t count);
  /// Everything until the peer ends its side.
  std::string receive_all();
  void end_output();
  void close();
  /// Closes with a reset instead of an orderly end.
  void reset();

 private:
  int fd_ = -1;
  int error_ = 0;
};

/// Handlers made of functions, for tests.
struct EchoHandler : ConnectionHandler {
  void on_bytes(Connection& connection) override {
    connection.out().append(connection.in().bytes());
    connection.in().consume(connection.in().size());
  }
  void on_closed(Connection&, const CloseInfo& info) override {
    if (closed != nullptr) closed->put(info);
  }
  Mailbox<CloseInfo>* closed = nullptr;
};

/// Workers and a listener on a free port of the loopback.
class TestServer {
 public:
  explicit TestServer(HandlerFactory factory, ListenerOptions options = {}, std::size_t workers = 1,
                      const Clock* clock = nullptr);
  ~TestServer();

  const Address& address() const { return listener->bound().front(); }
  Client client() const { return Client(address()); }

  std::unique_ptr<IoThreads> threads;
  std::unique_ptr<Listener> listener;
};

/// `bytes` of a pattern that shows where something was lost or doubled.
std::string pattern(std::size_t bytes, std::size_t seed = 0);

}  // namespace ringcache::net::testing
