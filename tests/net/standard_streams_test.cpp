#include "net/standard_streams.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace {

using ringcache::net::open_standard_streams;

bool is_null(int fd) {
  struct stat null {};
  struct stat found {};
  return ::stat("/dev/null", &null) == 0 && ::fstat(fd, &found) == 0 &&
         found.st_rdev == null.st_rdev;
}

// What a process does that begins without these: 0 if the closed ones, and only they, are now
// /dev/null. Only system calls: the child is a copy of a process that may have threads.
int without(const std::vector<int>& closed) {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd <= 2; ++fd) ::dup2(pipe_ends[1], fd);
    for (const int fd : closed) ::close(fd);
    if (!open_standard_streams()) ::_exit(1);
    int wrong = 0;
    for (int fd = 0; fd <= 2; ++fd) {
      bool was_closed = false;
      for (const int each : closed) was_closed |= each == fd;
      wrong += is_null(fd) != was_closed;
    }
    ::_exit(wrong == 0 ? 0 : 2);
  }
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("standard streams that are closed become /dev/null, others stay") {
  CHECK(without({}) == 0);
  for (int fd = 0; fd <= 2; ++fd) CHECK(without({fd}) == 0);
  CHECK(without({0, 2}) == 0);
  CHECK(without({0, 1, 2}) == 0);
}

}  // namespace
