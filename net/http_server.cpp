#include "net/http_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ringcache::net {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// The connection at hand is above the queue's bound: close it, unread.
thread_local bool shedding = false;

/// A socket with a budget of bytes and time.
class BudgetStream final : public httplib::Stream {
 public:
  BudgetStream(int fd, const HttpLimits& limits)
      : fd_(fd),
        limits_(limits),
        bytes_left_(limits.input_bytes_max),
        input_deadline_(SteadyClock::now() + limits.input_time) {}

  bool is_readable() const override { return begin_ < end_ || wait(POLLIN, input_deadline_); }
  bool is_writable() const override { return wait(POLLOUT, output_deadline()); }
  socket_t socket() const override { return fd_; }
  // Nobody here asks who called.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}

  ssize_t read(char* to, std::size_t size) override {
    if (begin_ == end_ && !fill()) return -1;
    const std::size_t count = std::min(size, end_ - begin_);
    std::memcpy(to, buffer_.data() + begin_, count);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }

  using Stream::write;
  ssize_t write(const char* from, std::size_t size) override {
    while (wait(POLLOUT, output_deadline())) {
      const ssize_t count = ::send(fd_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count >= 0) return count;
      if (errno != EAGAIN && errno != EINTR) break;
    }
    return -1;
  }

 private:
  bool fill() {
    begin_ = end_ = 0;
    while (bytes_left_ > 0 && wait(POLLIN, input_deadline_)) {
      const ssize_t count =
          ::recv(fd_, buffer_.data(), std::min(buffer_.size(), bytes_left_), MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count <= 0) return false;
      end_ = static_cast<std::size_t>(count);
      bytes_left_ -= end_;
      return true;
    }
    return false;
  }

  bool wait(short events, SteadyClock::time_point deadline) const {
    pollfd entry{fd_, events, 0};
    while (true) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
      if (left.count() <= 0) return false;
      const int ready = ::poll(&entry, 1, static_cast<int>(left.count()));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  // The time to answer begins with the first byte of the answer.
  SteadyClock::time_point output_deadline() const {
    if (output_deadline_ == SteadyClock::time_point{}) {
      output_deadline_ = SteadyClock::now() + limits_.output_time;
    }
    return output_deadline_;
  }

  int fd_;
  const HttpLimits& limits_;
  std::size_t bytes_left_;
  SteadyClock::time_point input_deadline_;
  mutable SteadyClock::time_point output_deadline_;
  std::array<char, 4096> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// A few threads and a bounded queue of connections. Destroyed by cpp-httplib after shutdown().
class BoundedQueue final : public httplib::TaskQueue {
 public:
  BoundedQueue(std::size_t threads, std::size_t queue_max) : queue_max_(queue_max) {
    for (std::size_t index = 0; index < threads; ++index) {
      threads_.emplace_back([this] { run(); });
    }
  }

  void enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.size() < queue_max_) {
        tasks_.push_back(std::move(task));
        task = nullptr;
      }
    }
    if (task == nullptr) {
      wake_.notify_one();
      return;
    }
    shedding = true;  // only the task knows its socket
    task();
    shedding = false;
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void run() {
    while (true) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        shedding = ending_;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

HttpServer::HttpServer(const HttpLimits& limits) : limits_(limits) {
  new_task_queue = [this] { return new BoundedQueue(limits_.threads, limits_.queue_max); };
  set_keep_alive_max_count(1);
}

void HttpServer::serve(int listening_fd) {
  // cpp-httplib waits in accept().
  ::fcntl(listening_fd, F_SETFL, ::fcntl(listening_fd, F_GETFL) & ~O_NONBLOCK);
  svr_sock_ = listening_fd;
  listen_after_bind();
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  bool answered = false;
  if (!shedding) {
    try {
      BudgetStream stream(socket, limits_);
      bool closed = false;
      answered = process_request(stream, true, closed, nullptr);
    } catch (...) {  // out of memory: this connection's loss alone
      answered = false;
    }
    // Unread input would turn the close into a reset, which can overtake the answer.
    ::shutdown(socket, SHUT_WR);
    std::array<char, 4096> unread;
    for (int reads = 0; reads < 64; ++reads) {
      if (::recv(socket, unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
    }
  }
  ::close(socket);
  return answered;
}

}  // namespace ringcache::net
