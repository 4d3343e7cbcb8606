#include "net/clock.h"

#include <ctime>

namespace ringcache::net {

namespace {

class SteadyClock final : public Clock {
 public:
  SteadyNs now() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

class ThreadCpuClock final : public Clock {
 public:
  SteadyNs now() const override {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }
};

}  // namespace

const Clock& Clock::steady() {
  static const SteadyClock kClock;
  return kClock;
}

const Clock& Clock::thread_cpu() {
  static const ThreadCpuClock kClock;
  return kClock;
}

}  // namespace ringcache::net
