// Reads the files of -Z again for those who ask for it (`refresh_certs`), on a thread of its own:
// files may be slow, and an RSA key takes a millisecond to check.
//
//   session --ask()--> number of a load --the load, later--> Done, with that number or a higher one
//
// All who ask before a load begins share it, and it reads the files as they are after they asked.
// After a load the thread rests for kRestFactor times as long as the load took, at most kRestMax:
// however often it is asked, loads of up to a tenth of a second take at most a tenth of a core.
//
// Threads: made, started and stopped by the control thread; ask() on a worker; Done on that worker.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/io_threads.h"
#include "net/tls_context.h"

namespace ringcache::store {

inline constexpr int kRestFactor = 9;
// The longest rest between two loads.
inline constexpr std::chrono::milliseconds kRestMax{1000};

class CertificateLoader {
 public:
  // What is wrong, as TlsContext::refresh() says it, or nothing.
  using Wrong = std::shared_ptr<const std::optional<std::string>>;
  // All loads up to `number` are done. Runs on worker `worker`, if it asked for any of them.
  using Done = std::function<void(std::size_t worker, std::uint64_t number, const Wrong& wrong)>;

  // All must outlive it.
  CertificateLoader(net::TlsContext& context, net::IoThreads& threads, Done on_done);
  ~CertificateLoader();  // as stop()
  CertificateLoader(const CertificateLoader&) = delete;
  CertificateLoader& operator=(const CertificateLoader&) = delete;

  // What went wrong, or nothing.
  [[nodiscard]] std::optional<std::string> start();
  // Those who asked hear nothing more. Idempotent.
  void stop();

  // The number of the load that will begin after this call; 0: it was told to stop, none will.
  std::uint64_t ask(std::size_t worker);
  // Since the start; those that went wrong too. Any thread.
  std::uint64_t loads() const;

 private:
  void run();

  net::TlsContext& context_;
  net::IoThreads& threads_;
  const Done on_done_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t begun_ = 0;          // loads; under mutex_
  std::vector<std::size_t> askers_;  // workers that wait for the next one; under mutex_
  bool stopping_ = false;            // under mutex_
  std::thread thread_;
};

}  // namespace ringcache::store
