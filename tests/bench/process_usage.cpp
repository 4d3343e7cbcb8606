#include "tests/bench/process_usage.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace ringcache::bench {

std::optional<ProcessUsage> read_process_usage(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  // The program's name, field 2, is in brackets and may hold anything.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string word;
  ProcessUsage usage;
  const double ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  for (int field = 3; field <= 24 && fields >> word; ++field) {
    if (field == 14) usage.user_s = std::stod(word) / ticks_per_s;
    if (field == 15) usage.system_s = std::stod(word) / ticks_per_s;
    if (field == 24) {
      usage.rss_bytes = std::stoull(word) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    }
  }
  return usage;
}

}  // namespace ringcache::bench
