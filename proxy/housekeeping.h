// Housekeeping: the proxy's thread for what comes round: the window of hit_ratio once a second, and
// whatever has a file descriptor to wait on (the configuration's watcher).
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace ringcache::proxy {

class Housekeeping {
 public:
  struct Watch {
    int fd = -1;  // -1: only the interval
    // Called when fd is readable and at least once a second, on the housekeeping thread.
    std::function<void()> check;
  };

  // `every_second` and `watch.check` are called on the new thread until stop().
  Housekeeping(std::function<void()> every_second, Watch watch);
  ~Housekeeping();  // as stop()
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

  // Ends the thread and waits for it. Idempotent.
  void stop();

 private:
  void run();

  std::function<void()> every_second_;
  Watch watch_;
  int stop_fd_;
  std::thread thread_;
};

}  // namespace ringcache::proxy
