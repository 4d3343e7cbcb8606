#pragma once

#include <functional>
#include <memory>
#include <string_view>

/// Signals and the end of the process, on the main thread.
///
///     SIGTERM, SIGINT   on_drain, then run() returns. A second one kills, as if never handled.
///     SIGHUP            on_reload
///     SIGPIPE           ignored (a write to a closed peer is an errno)
namespace ringcache::net {

struct ShutdownCallbacks {
  /// Stop accepting, finish, within the program's grace period. May block: nothing else runs on the
  /// main thread any more.
  std::function<void()> on_drain;
  /// May be empty: SIGHUP is then ignored.
  std::function<void()> on_reload;
};

class Shutdown {
 public:
  /// From here on the signals are caught; those that come before run() wait for it. One per
  /// process.
  explicit Shutdown(ShutdownCallbacks callbacks);
  ~Shutdown();
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  /// Waits for signals and posted work until SIGTERM, SIGINT or request(). Returns the signal that
  /// ended it, 0 for request().
  int run();
  /// As if SIGTERM had come. Any thread.
  void request();
  /// Runs `work` on the main thread, inside run(). Any thread. After the drain began: dropped.
  void post(std::function<void()> work);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Tells systemd (Type=notify) that the process serves, with a line for `systemctl status`. Without
/// systemd these do nothing.
void notify_ready(std::string_view status);
void notify_status(std::string_view status);
void notify_stopping();

}  // namespace ringcache::net
