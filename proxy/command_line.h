// The command line of ringcache-proxy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ringcache::proxy {

enum class Action : std::uint8_t { kRun, kCheck, kRoute, kPrintConfig, kPrintSchema };

struct CommandLine {
  Action action = Action::kRun;
  std::string config_file;  // -c, or the file of --check
  std::string nodes;        // -n
  std::string against;      // --against
  std::string key;          // --route
  // What overrides the configuration; empty: nothing.
  std::vector<std::string> listen;
  std::string admin;
  std::optional<std::uint32_t> threads;
};

struct CommandLineResult {
  std::optional<CommandLine> command_line;  // empty: print `text`, end with `exit_code`
  int exit_code = 0;                        // 0 after --help and --version, 2 after a mistake
  std::string text;
};

// Never throws.
CommandLineResult parse_command_line(int argc, const char* const* argv);

}  // namespace ringcache::proxy
