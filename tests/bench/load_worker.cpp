#include "tests/bench/load_worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace ringcache::bench {
namespace {

constexpr std::size_t kEventsMax = 512;
constexpr std::size_t kPreloadConnectionsMax = 16;

// Sends `version` and waits for the answer, so that a run begins with connections that the server
// has accepted and not with a queue of them.
bool greet(int fd) {
  const timeval timeout{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  constexpr std::string_view kHello = "version\r\n";
  if (send(fd, kHello.data(), kHello.size(), MSG_NOSIGNAL) < 0) return false;
  std::array<char, 256> reply;
  std::size_t size = 0;
  while (size < reply.size()) {
    const ssize_t got = recv(fd, reply.data() + size, reply.size() - size, 0);
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return false;
    size += static_cast<std::size_t>(got);
    if (reply[size - 1] == '\n') return true;
  }
  errno = EPROTO;
  return false;
}

}  // namespace

std::uint64_t steady_now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

LoadWorker::LoadWorker(const Workload& workload, unsigned index) : thread_(workload, index) {}

LoadWorker::~LoadWorker() {
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

bool LoadWorker::connect(std::string& error) {
  pin();
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  const LoadOptions& options = thread_.workload.options;
  const unsigned index = thread_.index;
  const unsigned count = options.connections / options.threads +
                         (index < options.connections % options.threads ? 1 : 0);
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  armed_for_write_.resize(count);
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    const int fd = thread_.workload.endpoint.connect();
    if (fd >= 0) connections_.push_back(std::make_unique<Connection>(fd, thread_, slot, count));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = slot;
    if (fd < 0 || !greet(fd) || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
      error = "connection " + std::to_string(slot + 1) + " of thread " + std::to_string(index) +
              " to " + options.server + ": " + std::strerror(errno);
      return false;
    }
  }
  return true;
}

void LoadWorker::pin() {
  const std::vector<unsigned>& cpus = thread_.workload.options.pin;
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpus[thread_.index % cpus.size()], &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

void LoadWorker::preload() {
  const LoadOptions& options = thread_.workload.options;
  thread_.preload_next = options.keys * thread_.index / options.threads;
  thread_.preload_end = options.keys * (thread_.index + 1) / options.threads;
  thread_.mode = LoadMode::kPreload;
  thread_.now_ns = steady_now_ns();
  const std::size_t used = std::min(connections_.size(), kPreloadConnectionsMax);
  for (std::uint32_t slot = 0; slot < used; ++slot) pump(slot);
  std::uint64_t last_progress_ns = steady_now_ns();
  while (thread_.outstanding > 0 && thread_.now_ns < last_progress_ns + kStallNs) {
    const std::uint64_t bytes_before = thread_.counters.bytes_read + thread_.counters.bytes_written;
    turn(thread_.now_ns + kStallNs);
    const std::uint64_t bytes = thread_.counters.bytes_read + thread_.counters.bytes_written;
    if (bytes != bytes_before) last_progress_ns = thread_.now_ns;
  }
  after_preload_ = thread_.counters;
  // What the server never answered, or what was left over when its connections were gone.
  after_preload_.unanswered += thread_.outstanding;
  after_preload_.unsent += thread_.preload_end - thread_.preload_next;
}

void LoadWorker::run(std::uint64_t begin_ns, MeasuredWindow window, const std::atomic<bool>& stop) {
  thread_.scheduled = thread_.workload.options.rate > 0;
  thread_.mode = thread_.scheduled ? LoadMode::kScheduled : LoadMode::kClosed;
  thread_.window = window;
  thread_.schedule_start_ns = begin_ns;
  thread_.now_ns = steady_now_ns();
  if (!thread_.scheduled) {
    for (std::uint32_t slot = 0; slot < connections_.size(); ++slot) pump(slot);
  }
  for (;;) {
    std::uint64_t wake_ns = start_taken_ ? window.end_ns : window.start_ns;
    if (thread_.scheduled) wake_ns = std::min(wake_ns, thread_.intended_ns(next_due_));
    turn(wake_ns);
    if (stop.load(std::memory_order_relaxed)) {
      thread_.window.end_ns = std::min(window.end_ns, thread_.now_ns);
      break;
    }
    if (thread_.now_ns >= window.end_ns) break;
    if (thread_.scheduled) release_due();
  }
  take_snapshots();  // the window may have ended while a turn's events were handled
  if (thread_.scheduled) release_due();
  drain();
}

// Waits for events until wake_ns and handles them. No event of a turn that begins after the end
// of the window is counted as within it.
void LoadWorker::turn(std::uint64_t wake_ns) {
  std::array<epoll_event, kEventsMax> events;
  const std::uint64_t before_ns = steady_now_ns();
  const std::uint64_t wait_ns = wake_ns > before_ns ? wake_ns - before_ns : 0;
  const timespec timeout{static_cast<time_t>(wait_ns / 1'000'000'000),
                         static_cast<long>(wait_ns % 1'000'000'000)};
  const int count = epoll_pwait2(epoll_fd_, events.data(), kEventsMax, &timeout, nullptr);
  thread_.now_ns = steady_now_ns();
  take_snapshots();
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    handle(event.data.u32, event.events);
  }
}

void LoadWorker::handle(std::uint32_t slot, std::uint32_t events) {
  Connection* const connection = connections_[slot].get();
  if (connection == nullptr) return;
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
    // One clock reading for each read: what was read is what had arrived by then.
    thread_.now_ns = steady_now_ns();
    if (!connection->receive()) return lose(slot);
  }
  pump(slot);
}

void LoadWorker::pump(std::uint32_t slot) {
  Connection* const connection = connections_[slot].get();
  if (connection == nullptr) return;
  if (!connection->pump()) return lose(slot);
  if (connection->blocked() != armed_for_write_[slot]) arm(slot);
}

void LoadWorker::arm(std::uint32_t slot) {
  const Connection& connection = *connections_[slot];
  epoll_event event{};
  event.events = connection.blocked() ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u32 = slot;
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd(), &event);
  armed_for_write_[slot] = connection.blocked();
}

void LoadWorker::lose(std::uint32_t slot) {
  ++thread_.counters.lost_connections;
  thread_.note("a connection was closed by the server or given up");
  connections_[slot]->abandon();
  connections_[slot].reset();
}

// Hands every request whose time has come to its connection.
void LoadWorker::release_due() {
  const std::uint64_t until_ns = std::min(steady_now_ns(), thread_.window.end_ns - 1);
  due_slots_.clear();
  for (; thread_.intended_ns(next_due_) <= until_ns; ++next_due_) {
    const auto slot = static_cast<std::uint32_t>(next_due_ % connections_.size());
    Connection* const connection = connections_[slot].get();
    if (connection == nullptr) {
      ++thread_.counters.unsent;
    } else if (connection->add_due()) {
      due_slots_.push_back(slot);
    }
  }
  for (const std::uint32_t slot : due_slots_) {
    thread_.now_ns = steady_now_ns();
    pump(slot);
  }
}

// Called with a turn's time before what the turn brings is counted.
void LoadWorker::take_snapshots() {
  const bool running = thread_.mode == LoadMode::kClosed || thread_.mode == LoadMode::kScheduled;
  if (!running) return;
  if (!start_taken_ && thread_.now_ns >= thread_.window.start_ns) {
    at_start_ = thread_.counters;
    start_taken_ = true;
  }
  if (!end_taken_ && thread_.now_ns >= thread_.window.end_ns) {
    if (!start_taken_) at_start_ = thread_.counters;  // stopped before it was
    at_end_ = thread_.counters;
    end_taken_ = true;
  }
}

void LoadWorker::drain() {
  thread_.mode = LoadMode::kDrain;
  for (std::uint32_t slot = 0; slot < connections_.size(); ++slot) pump(slot);
  const std::uint64_t give_up_ns = thread_.window.end_ns + kDrainNs;
  while (thread_.outstanding > 0 && thread_.now_ns < give_up_ns) turn(give_up_ns);
  for (const auto& connection : connections_) {
    if (connection != nullptr) connection->abandon();
  }
}

}  // namespace ringcache::bench
