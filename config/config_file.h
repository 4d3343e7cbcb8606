// Reading a configuration file: bounded, and with an error for people instead of an errno.
#pragma once

#include <filesystem>
#include <string>

namespace ringcache::config {

struct ConfigFile {
  std::string text;
  std::string error;  // empty: it was read; else "cannot read: No such file or directory"
  bool ok() const { return error.empty(); }
};

// Reads to the end or to just above kConfigBytesMax, which the loader then refuses. The file may
// be a pipe. Blocks for as long as the file does.
ConfigFile read_config_file(const std::filesystem::path& path);

}  // namespace ringcache::config
