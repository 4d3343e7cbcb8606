#include "tests/bench/load_run.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <memory>
#include <thread>

#include "tests/bench/load_worker.h"

namespace ringcache::bench {
namespace {

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "stop_load() runs in signal handlers");

// Allows as many descriptors as the system lets us have; false if that is too few.
bool raise_descriptor_limit(std::size_t wanted, std::string& error) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return true;
  error = "needs " + std::to_string(wanted) + " file descriptors, the hard limit is " +
          std::to_string(limit.rlim_max) + " (ulimit -Hn)";
  return false;
}

// Sleeps until then or until the run is stopped.
void sleep_until(std::uint64_t steady_ns) {
  constexpr std::uint64_t kSliceNs = 20'000'000;
  while (!stop_requested.load(std::memory_order_relaxed)) {
    const std::uint64_t now_ns = steady_now_ns();
    if (now_ns >= steady_ns) return;
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(kSliceNs, steady_ns - now_ns)));
  }
}

double own_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class LoadRun {
 public:
  explicit LoadRun(const Workload& workload)
      : workload_(workload),
        barrier_(workload.options.threads + 1),
        errors_(workload.options.threads) {
    for (unsigned i = 0; i < workload.options.threads; ++i) {
      workers_.push_back(std::make_unique<LoadWorker>(workload, i));
    }
  }

  std::optional<LoadResult> run(std::string& error) {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < workers_.size(); ++i) threads.emplace_back([this, i] { body(i); });
    barrier_.arrive_and_wait();  // connected
    for (const std::string& thread_error : errors_) {
      if (error.empty()) error = thread_error;
    }
    stop_ = !error.empty();
    preload(error);
    measure();
    threads.clear();
    if (stop_) return std::nullopt;
    return std::move(result_);
  }

 private:
  // One thread's life. After each phase everybody waits for the slowest; main decides meanwhile
  // whether there is a next one.
  void body(unsigned index) {
    LoadWorker& worker = *workers_[index];
    worker.connect(errors_[index]);
    barrier_.arrive_and_wait();
    barrier_.arrive_and_wait();
    if (!stop_ && workload_.options.preload) worker.preload();
    barrier_.arrive_and_wait();
    barrier_.arrive_and_wait();
    if (!stop_ && workload_.options.seconds > 0) {
      worker.run(begin_ns_, window_, stop_requested);
    }
    barrier_.arrive_and_wait();
  }

  void preload(std::string& error) {
    const std::uint64_t start_ns = steady_now_ns();
    barrier_.arrive_and_wait();
    barrier_.arrive_and_wait();
    result_.preload_s = static_cast<double>(steady_now_ns() - start_ns) * 1e-9;
    for (const auto& worker : workers_) {
      result_.preload += worker->preloaded();
      if (result_.first_problem.empty()) result_.first_problem = worker->thread().first_problem;
    }
    const Counters& counters = result_.preload;
    if (stop_ || counters.lost_connections + counters.unanswered + counters.unsent == 0) return;
    error = "the preload failed: " + std::to_string(counters.lost_connections) +
            " connections lost, " + std::to_string(counters.unanswered) + " sets unanswered, " +
            std::to_string(counters.unsent) + " not sent; " + result_.first_problem;
    stop_ = true;
  }

  void measure() {
    const LoadOptions& options = workload_.options;
    const auto in_ns = [](double seconds) { return static_cast<std::uint64_t>(seconds * 1e9); };
    begin_ns_ = steady_now_ns();
    window_.start_ns = begin_ns_ + in_ns(options.warmup_s);
    window_.end_ns = window_.start_ns + in_ns(options.seconds);
    barrier_.arrive_and_wait();
    if (!stop_ && options.seconds > 0) sample_usage();
    barrier_.arrive_and_wait();
    for (const auto& worker : workers_) {
      result_.measured += worker->measured();
      result_.total += worker->thread().counters;
      result_.get_latency.merge(worker->thread().get_latency);
      result_.set_latency.merge(worker->thread().set_latency);
      if (result_.first_problem.empty()) result_.first_problem = worker->thread().first_problem;
    }
  }

  void sample_usage() {
    const std::vector<pid_t>& pids = workload_.options.server_pids;
    sleep_until(window_.start_ns);
    for (const pid_t pid : pids) {
      result_.servers.push_back({pid, read_process_usage(pid).value_or(ProcessUsage{})});
    }
    const double own_before_s = own_cpu_s();
    sleep_until(window_.end_ns);
    const std::uint64_t end_ns = std::min(steady_now_ns(), window_.end_ns);
    if (end_ns > window_.start_ns) {
      result_.measured_s = static_cast<double>(end_ns - window_.start_ns) * 1e-9;
    }
    result_.own_cpu_s = own_cpu_s() - own_before_s;
    for (LoadResult::Server& server : result_.servers) {
      const ProcessUsage now = read_process_usage(server.pid).value_or(ProcessUsage{});
      server.used = {now.user_s - server.used.user_s, now.system_s - server.used.system_s,
                     now.rss_bytes};
    }
  }

  const Workload& workload_;
  std::barrier<> barrier_;
  std::vector<std::string> errors_;
  std::vector<std::unique_ptr<LoadWorker>> workers_;
  bool stop_ = false;           // written by main between two barriers
  std::uint64_t begin_ns_ = 0;  // likewise
  MeasuredWindow window_;       // likewise
  LoadResult result_;
};

}  // namespace

void stop_load() noexcept {
  stop_requested.store(true, std::memory_order_relaxed);
}

bool LoadResult::failed(bool allow_errors) const {
  if (total.wrong() + total.lost_connections + total.unanswered > 0) return true;
  return !allow_errors && total.error_replies > 0;
}

std::optional<LoadResult> run_load(const Workload& workload, std::string& error) {
  constexpr std::size_t kOtherDescriptors = 64;
  if (!raise_descriptor_limit(workload.options.connections + kOtherDescriptors, error)) {
    return std::nullopt;
  }
  return LoadRun(workload).run(error);
}

}  // namespace ringcache::bench
