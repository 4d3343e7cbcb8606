#include "net/clock.h"

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

}  // namespace

const Clock& Clock::steady() {
  static const SteadyClock kClock;
  return kClock;
}

}  // namespace ringcache::net
