#include "store/node_certificate_loader.h"

#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace ringcache::store {

CertificateLoader::CertificateLoader(net::TlsContext& context, net::IoThreads& threads,
                                     Done on_done)
    : context_(context), threads_(threads), on_done_(std::move(on_done)) {}

CertificateLoader::~CertificateLoader() {
  stop();
}

std::optional<std::string> CertificateLoader::start() {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return std::string("cannot start the thread that reads certificates: ") + error.what();
  }
  ::pthread_setname_np(thread_.native_handle(), "certificates");
  return std::nullopt;
}

void CertificateLoader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t CertificateLoader::ask(std::size_t worker) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return 0;
  if (std::find(askers_.begin(), askers_.end(), worker) == askers_.end()) {
    askers_.push_back(worker);
    changed_.notify_one();
  }
  return begun_ + 1;
}

std::uint64_t CertificateLoader::loads() const {
  const std::lock_guard lock(mutex_);
  return begun_;
}

void CertificateLoader::run() {
  using SteadyClock = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !askers_.empty(); });
    if (stopping_) return;
    const std::uint64_t number = ++begun_;
    const std::vector<std::size_t> askers = std::exchange(askers_, {});
    lock.unlock();
    const SteadyClock::time_point began = SteadyClock::now();
    const auto wrong = std::make_shared<const std::optional<std::string>>(context_.refresh());
    const SteadyClock::time_point ended = SteadyClock::now();
    for (const std::size_t worker : askers) {
      threads_.post(worker, [this, worker, number, wrong] { on_done_(worker, number, wrong); });
    }
    lock.lock();
    const SteadyClock::duration rest = (ended - began) * kRestFactor;
    changed_.wait_until(lock, ended + std::min<SteadyClock::duration>(rest, kRestMax),
                        [this] { return stopping_; });
  }
}

}  // namespace ringcache::store
