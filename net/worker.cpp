#include "net/worker.h"

#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "net/event_loop.h"

namespace ringcache::net {

namespace {

thread_local Worker* current_worker = nullptr;

constexpr std::chrono::seconds kLagProbePeriod{1};
constexpr std::chrono::seconds kTrimPeriod{5};

}  // namespace

Worker::Worker(std::size_t index, std::string name, const Clock& clock,
               std::shared_ptr<Resolver> resolver)
    : index_(index),
      name_(std::move(name)),
      clock_(clock),
      resolver_(std::move(resolver)),
      timers_(clock.now()),
      tls_half_records_(timers_),
      loop_(std::make_shared<EventLoop>(*this, clock)) {}

Worker::~Worker() {
  stop();
  join();
}

std::optional<std::string> Worker::start() {
  if (auto error = loop_->open()) return error;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return "cannot start thread " + name_ + ": " + error.what();
  }
  return std::nullopt;
}

void Worker::run() {
  current_worker = this;
  ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
  timers_.set_now(clock_.now());
  SteadyNs probe_due = timers_.now() + std::chrono::nanoseconds(kLagProbePeriod).count();
  Timer lag_probe(timers_, [&] {
    stats_.lag_ns.set(static_cast<std::uint64_t>(std::max<SteadyNs>(clock_.now() - probe_due, 0)));
    probe_due = lag_probe.due();
  });
  Timer trim(timers_, [&] { pool_.trim(); });
  lag_probe.every(kLagProbePeriod);
  trim.every(kTrimPeriod);
  loop_->run();
  current_worker = nullptr;
}

void Worker::stop() {
  loop_->stop();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

Worker* Worker::current() {
  return current_worker;
}

bool Worker::post(std::function<void()> work) {
  return loop_->post(std::move(work));
}

void Worker::at_end_of_turn(void (*work)(void* context), void* context) {
  loop_->at_end_of_turn(work, context);
}

}  // namespace ringcache::net
