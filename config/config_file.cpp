#include "config/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "config/json_positions.h"

namespace ringcache::config {
namespace {

ConfigFile failure() {
  ConfigFile result;
  result.error = "cannot read: " + std::generic_category().message(errno);
  return result;
}

ConfigFile read_all(int fd) {
  ConfigFile result;
  std::array<char, 65536> buffer;
  while (result.text.size() <= kConfigBytesMax) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure();
    if (count == 0) break;
    result.text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return result;
}

}  // namespace

ConfigFile read_config_file(const std::filesystem::path& path, FileKind kind) {
  const bool regular_only = kind == FileKind::kRegular;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (regular_only ? O_NONBLOCK : 0));
  if (fd < 0) return failure();
  struct stat status {};
  ConfigFile result;
  if (::fstat(fd, &status) != 0) {
    result = failure();
  } else if (regular_only && !S_ISREG(status.st_mode)) {
    result.error = "cannot read: not a regular file";
  } else {
    result = read_all(fd);
  }
  ::close(fd);
  return result;
}

}  // namespace ringcache::config
