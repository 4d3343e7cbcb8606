#include "net/shutdown.h"

#include <systemd/sd-daemon.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <string>
#include <utility>

#include "net/log.h"

namespace ringcache::net {

class Shutdown::Impl {
 public:
  explicit Impl(ShutdownCallbacks callbacks)
      : callbacks_(std::move(callbacks)), signals_(context_, SIGTERM, SIGINT, SIGHUP) {
    std::signal(SIGPIPE, SIG_IGN);
    wait();
  }

  int run() {
    context_.run();
    // From here on SIGTERM and SIGINT do what they do by default: a second one kills.
    signals_.clear();
    notify_stopping();
    if (callbacks_.on_drain) callbacks_.on_drain();
    return signal_;
  }

  void post(std::function<void()> work) { asio::post(context_, std::move(work)); }

  void end(int signal) {
    signal_ = signal;
    context_.stop();
  }

 private:
  void wait() {
    signals_.async_wait([this](std::error_code error, int signal) {
      if (error) return;
      if (signal != SIGHUP) {
        log_info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
        return end(signal);
      }
      wait();
      if (callbacks_.on_reload) callbacks_.on_reload();
    });
  }

  ShutdownCallbacks callbacks_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::signal_set signals_;
  int signal_ = 0;
};

Shutdown::Shutdown(ShutdownCallbacks callbacks)
    : impl_(std::make_unique<Impl>(std::move(callbacks))) {}

Shutdown::~Shutdown() = default;

int Shutdown::run() {
  return impl_->run();
}

void Shutdown::request() {
  impl_->post([impl = impl_.get()] { impl->end(0); });
}

void Shutdown::post(std::function<void()> work) {
  impl_->post(std::move(work));
}

void notify_ready(std::string_view status) {
  ::sd_notify(0, ("READY=1\nSTATUS=" + std::string(status)).c_str());
}

void notify_status(std::string_view status) {
  ::sd_notify(0, ("STATUS=" + std::string(status)).c_str());
}

void notify_stopping() {
  ::sd_notify(0, "STOPPING=1");
}

}  // namespace ringcache::net
