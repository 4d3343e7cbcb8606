// The command line of ringcache-node: memcached's, with its letters and units. A command line of
// memcached 1.6 starts the node: what has no effect here is taken with a warning; only what would
// be dangerous to ignore is refused, by its name and with what to do instead.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/node_options.h"

namespace ringcache::store {

struct CommandLineResult {
  std::optional<NodeOptions> options;  // empty: print `text`, end with `exit_code`
  int exit_code = 0;                   // 0 after -h and -V, 2 after a mistake
  std::vector<std::string> warnings;   // for the log: what was taken in another way than meant
  std::string text;                    // help, version (for stdout), or what is wrong (for stderr)
};

// Never throws.
CommandLineResult parse_node_command_line(int argc, const char* const* argv);

// `1m`, `512k`, `2g`, `1048576`: bytes. False when it is none of these or does not fit.
bool parse_size(std::string_view text, std::size_t& bytes);

}  // namespace ringcache::store
