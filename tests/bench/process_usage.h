#pragma once

// What a process has used so far, from /proc (proc(5): stat fields 14, 15 and 24), so that a load
// can say what a server spent on exactly the measured interval. CPU time is that of all threads,
// in steps of a clock tick (10 ms): measure for seconds.

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace ringcache::bench {

struct ProcessUsage {
  double user_s = 0;
  double system_s = 0;
  std::uint64_t rss_bytes = 0;
};

/// Nothing if there is no such process.
std::optional<ProcessUsage> read_process_usage(pid_t pid);

}  // namespace ringcache::bench
