// Reading a configuration file: bounded, and with an error for people instead of an errno.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace ringcache::config {

struct ConfigFile {
  std::string text;
  std::string error;  // empty: it was read; else "cannot read: No such file or directory"
  bool ok() const { return error.empty(); }
};

// kAny reads pipes too, and blocks for as long as they do. kRegular refuses what is not a regular
// file and does not wait.
enum class FileKind : std::uint8_t { kAny, kRegular };

// Reads to the end or to just above kConfigBytesMax, which the loader then refuses.
ConfigFile read_config_file(const std::filesystem::path& path, FileKind kind = FileKind::kAny);

}  // namespace ringcache::config
