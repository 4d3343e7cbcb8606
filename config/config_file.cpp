#include "config/config_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "config/json_positions.h"

namespace ringcache::config {

ConfigFile read_config_file(const std::filesystem::path& path) {
  ConfigFile result;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto fail = [&] {
    result.error = "cannot read: " + std::generic_category().message(errno);
    result.text.clear();
  };
  if (fd < 0) {
    fail();
    return result;
  }
  std::array<char, 65536> buffer;
  while (result.text.size() <= kConfigBytesMax) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail();
    if (count <= 0) break;
    result.text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  ::close(fd);
  return result;
}

}  // namespace ringcache::config
