#include "net/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace ringcache::net {

bool open_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // Those below are open, so this is the lowest that is free. Kept over exec(), as they all are.
    if (::open("/dev/null", O_RDWR) != fd) return false;
  }
  return true;
}

}  // namespace ringcache::net
