#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "net/metrics.h"

namespace ringcache::net {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

int count_open_fds() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return -1;
  int count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(directory);
  return count - 1;  // without the directory itself
}

/// Seconds since the epoch at which the machine booted; 0 if it cannot be told.
double boot_time() {
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

/// Fields of /proc/self/stat as proc(5) numbers them, from the 3rd: the name before may hold
/// spaces.
struct ProcessStat {
  double threads = 0;
  double virtual_bytes = 0;
  double resident_bytes = 0;
  double start_ticks = 0;
  bool read = false;
};

ProcessStat read_process_stat() {
  ProcessStat result;
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return result;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int number = 3; fields >> field && number <= 24; ++number) {
    if (number == 20) result.threads = std::stod(field);
    if (number == 22) result.start_ticks = std::stod(field);
    if (number == 23) result.virtual_bytes = std::stod(field);
    if (number == 24) {
      result.resident_bytes = std::stod(field) * static_cast<double>(::sysconf(_SC_PAGESIZE));
      result.read = true;
    }
  }
  return result;
}

}  // namespace

void add_process_metrics(MetricFamilies& metrics) {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    metrics.counter_unprefixed("process_cpu_seconds_total",
                               "Total user and system CPU time spent in seconds.",
                               seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  const ProcessStat stat = read_process_stat();
  if (stat.read) {
    metrics.gauge_unprefixed("process_resident_memory_bytes", "Resident memory size in bytes.",
                             stat.resident_bytes);
    metrics.gauge_unprefixed("process_virtual_memory_bytes", "Virtual memory size in bytes.",
                             stat.virtual_bytes);
    metrics.gauge_unprefixed("process_threads", "Number of OS threads in the process.",
                             stat.threads);
  }
  if (const int fds = count_open_fds(); fds >= 0) {
    metrics.gauge_unprefixed("process_open_fds", "Number of open file descriptors.", fds);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    const double most = limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                                        : static_cast<double>(limit.rlim_cur);
    metrics.gauge_unprefixed("process_max_fds", "Maximum number of open file descriptors.", most);
  }
  if (const double boot = boot_time(); stat.read && boot > 0) {
    const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    metrics.gauge_unprefixed("process_start_time_seconds",
                             "Start time of the process since unix epoch in seconds.",
                             boot + stat.start_ticks / ticks_per_second);
  }
}

}  // namespace ringcache::net
