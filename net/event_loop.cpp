#include "net/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "net/socket_connection.h"

namespace ringcache::net {

namespace {

/// Events taken per wait. More only delays timers and posted work.
constexpr std::size_t kEventsPerTurn = 256;

}  // namespace

EventLoop::EventLoop(Worker& worker, const Clock& clock) : worker_(worker), clock_(clock) {
  for (auto* list : {&flushes_, &offers_, &scratch_}) list->reserve(kEventsPerTurn);
}

EventLoop::~EventLoop() {
  if (wake_fd_ >= 0) ::close(wake_fd_);
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

std::optional<std::string> EventLoop::open() {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  // Edge-triggered: each write is one event, so the eventfd never has to be read.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (epoll_fd_ < 0 || wake_fd_ < 0 ||
      ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) {
    return "cannot start an event loop: " + std::generic_category().message(errno) +
           " (see `ulimit -n`)";
  }
  return std::nullopt;
}

void EventLoop::run() {
  while (!stopping_) turn();
  {
    const std::lock_guard lock(mutex_);
    closed_for_posts_ = true;
  }
  run_posted();
  close_all();
  // What the last handlers asked for still happens, then nothing is left to do it for.
  run_end_of_turn();
  flushes_.clear();
  offers_.clear();
}

void EventLoop::turn() {
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = wait(events);
  worker_.timers().set_now(clock_.now());
  worker_.stats().turns.add();
  for (int index = 0; index < count; ++index) {
    auto* source = static_cast<EventSource*>(events[static_cast<std::size_t>(index)].data.ptr);
    if (source != nullptr) source->on_ready(events[static_cast<std::size_t>(index)].events);
  }
  if (has_posted_.load(std::memory_order_acquire)) run_posted();
  worker_.timers().run_due();
  if (!offers_.empty()) offer_unread();
  if (!end_of_turn_.empty()) run_end_of_turn();
  if (!flushes_.empty()) flush_all();
  if (!closed_.empty()) finish_closed();
}

int EventLoop::wait(std::span<epoll_event> events) {
  const auto look = [&](int ms) {
    return ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), ms);
  };
  const int sleep_ms = wait_ms();
  if (busy_poll_ns_ == 0 || sleep_ms == 0) return look(sleep_ms);
  const SteadyNs end_ns = clock_.now() + busy_poll_ns_;
  do {
    if (const int count = look(0); count != 0) return count;
  } while (clock_.now() < end_ns && !has_posted_.load(std::memory_order_acquire));
  return look(wait_ms());
}

int EventLoop::wait_ms() const {
  if (has_posted_.load(std::memory_order_acquire) || !offers_.empty() || !flushes_.empty() ||
      !closed_.empty() || !end_of_turn_.empty()) {
    return 0;
  }
  const std::optional<SteadyNs> due = worker_.timers().next_due();
  if (!due) return -1;
  // Rounded up: waking before the deadline would only mean waiting again.
  const SteadyNs left_ms = (*due - clock_.now() + 999'999) / 1'000'000;
  return static_cast<int>(std::clamp<SteadyNs>(left_ms, 0, 60'000));
}

bool EventLoop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_for_posts_) return false;
    posted_.push_back(std::move(work));
    if (has_posted_.exchange(true, std::memory_order_acq_rel)) return true;
  }
  if (Worker::current() != &worker_) wake();
  return true;
}

void EventLoop::stop() {
  post([this] { stopping_ = true; });
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the loop is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void EventLoop::run_posted() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(posted_);
    has_posted_.store(false, std::memory_order_release);
  }
  for (std::function<void()>& work : running_) {
    work();
    work = nullptr;
  }
  running_.clear();
}

bool EventLoop::add(int fd, std::uint32_t events, EventSource& source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::modify(int fd, std::uint32_t events, EventSource& source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::remove(int fd) {
  epoll_event event{};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &event);
}

void EventLoop::adopt(SocketConnection& connection) {
  connection.loop_index_ = static_cast<std::uint32_t>(connections_.size());
  connections_.push_back(&connection);
  worker_.stats().connections_open.set(connections_.size());
}

void EventLoop::flush_later(SocketConnection& connection) {
  if (std::exchange(connection.in_flushes_, true)) return;
  flushes_.push_back(&connection);
}

void EventLoop::offer_later(SocketConnection& connection) {
  if (std::exchange(connection.in_offers_, true)) return;
  offers_.push_back(&connection);
}

void EventLoop::finish_later(SocketConnection& connection, const CloseInfo& info) {
  closed_.push_back({&connection, info});
}

void EventLoop::at_end_of_turn(void (*work)(void* context), void* context) {
  end_of_turn_.push_back({work, context});
}

void EventLoop::for_each_connection(const std::function<void(SocketConnection&)>& visit) {
  // Connections are destroyed only in finish_closed() and new ones join at the end.
  const std::size_t count = connections_.size();
  for (std::size_t index = 0; index < count; ++index) visit(*connections_[index]);
}

void EventLoop::offer_unread() {
  scratch_.swap(offers_);
  const SteadyNs now_ns = worker_.precise_ns();
  const SteadyNs others_took_ns = now_ns - worker_.now_ns();
  const SteadyNs end_ns =
      now_ns + std::clamp(others_took_ns / kHeavyTurnShare, kHeavyTurnNs, kHeavyTurnMaxNs);
  auto next = scratch_.begin();
  do {
    SocketConnection* const connection = *next++;
    connection->in_offers_ = false;
    connection->offer_unread();
  } while (next != scratch_.end() && worker_.precise_ns() < end_ns);
  // Who waits still comes before who has been served.
  offers_.insert(offers_.begin(), next, scratch_.end());
  scratch_.clear();
}

void EventLoop::run_end_of_turn() {
  end_of_turn_running_.swap(end_of_turn_);
  for (const EndOfTurn& entry : end_of_turn_running_) entry.work(entry.context);
  end_of_turn_running_.clear();
}

void EventLoop::flush_all() {
  scratch_.swap(flushes_);
  for (SocketConnection* connection : scratch_) {
    connection->in_flushes_ = false;
    connection->flush();
  }
  scratch_.clear();
}

void EventLoop::finish_closed() {
  closed_running_.swap(closed_);
  for (const auto& [connection, info] : closed_running_) {
    connection->report_closed(info);
    if (connection->in_flushes_) std::erase(flushes_, connection);
    if (connection->in_offers_) std::erase(offers_, connection);
    SocketConnection* last = connections_.back();
    last->loop_index_ = connection->loop_index_;
    connections_[connection->loop_index_] = last;
    connections_.pop_back();
    delete connection;
  }
  closed_running_.clear();
  worker_.stats().connections_open.set(connections_.size());
}

void EventLoop::close_all() {
  // A handler may open or close others in on_closed, so again until none is left.
  while (!connections_.empty()) {
    for_each_connection([](SocketConnection& each) {
      each.close_with({CloseReason::kShutdown, {}});
    });
    finish_closed();
  }
}

}  // namespace ringcache::net
