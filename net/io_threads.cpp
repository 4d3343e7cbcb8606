#include "net/io_threads.h"

#include <algorithm>
#include <latch>
#include <thread>

#include "net/event_loop.h"
#include "net/resolver.h"

namespace ringcache::net {

IoThreads::IoThreads(const IoThreadsOptions& options) {
  const Clock& clock = options.clock != nullptr ? *options.clock : Clock::steady();
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t count = options.count != 0 ? options.count : cores;
  const auto resolver = std::make_shared<Resolver>();
  for (std::size_t index = 0; index < count; ++index) {
    workers_.push_back(std::make_unique<Worker>(index, options.name + '-' + std::to_string(index),
                                                clock, resolver));
    workers_.back()->loop().set_busy_poll(options.busy_poll);
  }
}

IoThreads::~IoThreads() {
  stop();
  join();
}

std::optional<std::string> IoThreads::start() {
  for (const auto& worker : workers_) {
    if (auto error = worker->start()) {
      stop();
      join();
      return error;
    }
  }
  return std::nullopt;
}

void IoThreads::stop() {
  for (const auto& worker : workers_) worker->stop();
}

void IoThreads::join() {
  for (const auto& worker : workers_) worker->join();
}

std::optional<std::size_t> IoThreads::current_index() {
  const Worker* worker = Worker::current();
  if (worker == nullptr) return std::nullopt;
  return worker->index();
}

bool IoThreads::post(std::size_t worker, std::function<void()> work) {
  return workers_[worker]->post(std::move(work));
}

void IoThreads::post_all(const std::function<void(Worker&)>& work) {
  for (const auto& worker : workers_) {
    worker->post([work, each = worker.get()] { work(*each); });
  }
}

void IoThreads::run_on_all(const std::function<void(Worker&)>& work) {
  std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
  for (const auto& worker : workers_) {
    const bool accepted = worker->post([&work, &done, each = worker.get()] {
      work(*each);
      done.count_down();
    });
    if (!accepted) done.count_down();
  }
  done.wait();
}

void IoThreads::wake() {
  run_on_all([](Worker&) {});
}

}  // namespace ringcache::net
