#include "net/startup_pages.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace ringcache::net {
namespace {

std::size_t resident_file_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "RssFile:") continue;
    std::size_t kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

// A page that is mapped without the right to write, as code is.
constexpr std::size_t kPageBytes = 4096;
alignas(kPageBytes) const char constant_page[kPageBytes] = {'c'};

// What a process exits with that changes the page, as a breakpoint does, and drops what it does not
// need: 1 if the change is gone. Only system calls before that: it is a copy of one with threads.
int lose_change(bool traced) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (traced && ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    volatile char* const page = const_cast<char*>(&constant_page[0]);
    if (::mprotect(const_cast<char*>(page), kPageBytes, PROT_READ | PROT_WRITE) != 0) ::_exit(3);
    *page = 'b';
    release_startup_pages();
    ::_exit(*page == 'b' ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a debugger's breakpoints stay") {
  CHECK(lose_change(false) == 1);
  if (const int traced = lose_change(true); traced != 2) {
    CHECK(traced == 0);
  } else {
    MESSAGE("no ptrace here");
  }
}

TEST_CASE("pages of files that only the start needed are given back, and the program goes on") {
  const std::size_t before = resident_file_kib();
  REQUIRE(before > 0);
  release_startup_pages();
  CHECK(resident_file_kib() < before);
  CHECK(std::to_string(12345) == "12345");  // code and constants come back when they are used
}

}  // namespace ringcache::net
