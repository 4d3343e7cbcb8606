#include "proxy/housekeeping.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <system_error>
#include <utility>

namespace ringcache::proxy {

namespace {
constexpr int kIntervalMs = 1000;
}

Housekeeping::Housekeeping(std::function<void()> every_second, Watch watch)
    : every_second_(std::move(every_second)),
      watch_(std::move(watch)),
      stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (stop_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] { run(); });
}

Housekeeping::~Housekeeping() {
  stop();
  ::close(stop_fd_);
}

void Housekeeping::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  // An eventfd with room takes every write of eight bytes.
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_, &one, sizeof one);
  thread_.join();
}

void Housekeeping::run() {
  using Clock = std::chrono::steady_clock;
  auto next = Clock::now();
  for (;;) {
    if (Clock::now() >= next) {
      every_second_();
      next += std::chrono::milliseconds(kIntervalMs);
    }
    std::array<pollfd, 2> fds{{{stop_fd_, POLLIN, 0}, {watch_.fd, POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    ::poll(fds.data(), fds.size(), left > 0 ? static_cast<int>(left) : 0);
    if ((fds[0].revents & POLLIN) != 0) return;
    if (watch_.check) watch_.check();
  }
}

}  // namespace ringcache::proxy
