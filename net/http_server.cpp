#include "net/http_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace ringcache::net {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// Connections accepted before those that are there have their turn: fewer than may be arriving, so
/// that nobody is turned away before his request was looked for.
constexpr std::size_t kAcceptsPerTurn = 32;
/// How long accepting rests when the process has no descriptors left.
constexpr std::chrono::milliseconds kAcceptRest{50};

constexpr std::string_view kHeadTooLarge =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n";
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// A socket with a budget of bytes and time, after the head that was read already.
class BudgetStream final : public httplib::Stream {
 public:
  BudgetStream(int fd, std::string_view head, const HttpLimits& limits)
      : fd_(fd),
        limits_(limits),
        ready_(head),
        bytes_left_(limits.input_bytes_max - std::min(head.size(), limits.input_bytes_max)),
        input_deadline_(SteadyClock::now() + limits.input_time) {}

  bool is_readable() const override { return !ready_.empty() || wait(POLLIN, input_deadline_); }
  bool is_writable() const override { return wait(POLLOUT, output_deadline()); }
  socket_t socket() const override { return fd_; }
  // Nobody here asks who called.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}

  ssize_t read(char* to, std::size_t size) override {
    if (ready_.empty() && !fill()) return -1;
    const std::size_t count = ready_.copy(to, size);
    ready_.remove_prefix(count);
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
    while (bytes_left_ > 0 && wait(POLLIN, input_deadline_)) {
      const ssize_t count =
          ::recv(fd_, buffer_.data(), std::min(buffer_.size(), bytes_left_), MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count <= 0) return false;
      ready_ = {buffer_.data(), static_cast<std::size_t>(count)};
      bytes_left_ -= ready_.size();
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
  std::string_view ready_;  ///< read and not yet taken
  std::size_t bytes_left_;
  SteadyClock::time_point input_deadline_;
  mutable SteadyClock::time_point output_deadline_;
  std::array<char, 4096> buffer_;
};

/// Unread input would turn the close into a reset, which can overtake the answer.
void close_politely(int fd) {
  ::shutdown(fd, SHUT_WR);
  std::array<char, 4096> unread;
  for (int reads = 0; reads < 64; ++reads) {
    if (::recv(fd, unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
  }
  ::close(fd);
}

void refuse(int fd, std::string_view answer) {
  ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  close_politely(fd);
}

int milliseconds_until(SteadyClock::time_point time) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(time - SteadyClock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count() + 1, 0));
}

}  // namespace

/// A few threads and a bounded queue of requests. Its end finishes those that have a thread.
class HttpServer::Workers {
 public:
  explicit Workers(HttpServer& server) : server_(server) {
    for (std::size_t index = 0; index < server.limits_.threads; ++index) {
      threads_.emplace_back([this] { run(); });
    }
  }
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    for (const Request& request : requests_) ::close(request.fd);
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False: the queue is full.
  bool take(int fd, std::string& head) {
    {
      const std::lock_guard lock(mutex_);
      if (requests_.size() >= server_.limits_.queue_max) return false;
      requests_.push_back({fd, std::move(head)});
    }
    wake_.notify_one();
    return true;
  }

 private:
  struct Request {
    int fd;
    std::string head;
  };

  void run() {
    while (true) {
      Request request;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return ending_ || !requests_.empty(); });
        if (ending_) return;
        request = std::move(requests_.front());
        requests_.pop_front();
      }
      server_.answer(request.fd, request.head);
    }
  }

  HttpServer& server_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Request> requests_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

struct HttpServer::Arriving {
  int fd;
  SteadyClock::time_point deadline;
  std::string head;
};

/// The connections whose head is not there yet, in the order in which they came.
class HttpServer::Door {
 public:
  Door(int listening_fd, int end_event, const HttpLimits& limits, Workers& workers)
      : listening_fd_(listening_fd), end_event_(end_event), limits_(limits), workers_(workers) {
    arriving_.reserve(limits.arriving_max + 1);
    polled_.reserve(limits.arriving_max + 3);
  }
  ~Door() {
    for (const Arriving& each : arriving_) ::close(each.fd);
    ::close(listening_fd_);
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Waits for something to happen and deals with it. False: the end was asked for.
  bool turn() {
    const bool resting = SteadyClock::now() < rest_until_;
    polled_ = {{end_event_, POLLIN, 0}, {resting ? -1 : listening_fd_, POLLIN, 0}};
    for (const Arriving& each : arriving_) polled_.push_back({each.fd, POLLIN, 0});
    int wait = arriving_.empty() ? -1 : milliseconds_until(arriving_.front().deadline);
    if (resting) {
      const int rest = milliseconds_until(rest_until_);
      wait = wait < 0 ? rest : std::min(wait, rest);
    }
    if (::poll(polled_.data(), polled_.size(), wait) < 0) return true;
    if (polled_[0].revents != 0) return false;
    const auto now = SteadyClock::now();
    std::size_t kept = 0;
    for (std::size_t index = 0; index < arriving_.size(); ++index) {
      if (!look_at(arriving_[index], polled_[index + 2].revents != 0, now)) continue;
      if (kept != index) arriving_[kept] = std::move(arriving_[index]);
      ++kept;
    }
    arriving_.resize(kept);
    if (polled_[1].revents != 0) accept_some();
    return true;
  }

 private:
  /// False: it is not among the arriving any more.
  bool look_at(Arriving& each, bool readable, SteadyClock::time_point now) {
    if (readable) return read(each);
    if (now < each.deadline) return true;
    ::close(each.fd);
    return false;
  }

  bool read(Arriving& each) {
    std::array<char, 4096> bytes;
    const ssize_t count = ::recv(each.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (count < 0 || (count == 0 && each.head.empty())) {
      ::close(each.fd);
      return false;
    }
    try {
      return take(each, {bytes.data(), static_cast<std::size_t>(count)});
    } catch (const std::bad_alloc&) {  // this connection's loss alone
      ::close(each.fd);
      return false;
    }
  }

  /// `more` is empty at the end of the input.
  bool take(Arriving& each, std::string_view more) {
    const std::size_t looked_at = each.head.size();
    each.head.append(more);
    // An empty line ends the head. At the end of the input cpp-httplib says what is missing.
    const std::size_t from = looked_at < 2 ? 0 : looked_at - 2;
    if (more.empty() || each.head.find("\n\r\n", from) != std::string::npos) {
      if (!workers_.take(each.fd, each.head)) refuse(each.fd, kBusy);
      return false;
    }
    if (each.head.size() <= limits_.head_bytes_max) return true;
    refuse(each.fd, kHeadTooLarge);
    return false;
  }

  void accept_some() {
    for (std::size_t count = 0; count < kAcceptsPerTurn; ++count) {
      const int fd = ::accept4(listening_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        const bool wait = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (wait) rest_until_ = SteadyClock::now() + kAcceptRest;
        return;
      }
      if (arriving_.size() >= limits_.arriving_max) {
        ::close(arriving_.front().fd);
        arriving_.erase(arriving_.begin());
      }
      arriving_.push_back({fd, SteadyClock::now() + limits_.head_time, {}});
    }
  }

  const int listening_fd_;
  const int end_event_;
  const HttpLimits& limits_;
  Workers& workers_;
  std::vector<Arriving> arriving_;
  std::vector<pollfd> polled_;
  SteadyClock::time_point rest_until_{};
};

HttpServer::HttpServer(const HttpLimits& limits)
    : limits_(limits), end_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (end_event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  set_keep_alive_max_count(1);
}

HttpServer::~HttpServer() {
  ::close(end_event_);
}

void HttpServer::serve(int listening_fd) {
  ::fcntl(listening_fd, F_SETFL, ::fcntl(listening_fd, F_GETFL) | O_NONBLOCK);
  Workers workers(*this);
  Door door(listening_fd, end_event_, limits_, workers);
  while (door.turn()) {
  }
}

void HttpServer::end() {
  ::eventfd_write(end_event_, 1);
}

void HttpServer::answer(int fd, const std::string& head) {
  try {
    BudgetStream stream(fd, head, limits_);
    bool closed = false;
    process_request(stream, true, closed, nullptr);
  } catch (...) {  // out of memory: this connection's loss alone
  }
  close_politely(fd);
}

}  // namespace ringcache::net
