#include "net/startup_pages.h"

#include <doctest/doctest.h>

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

}  // namespace

TEST_CASE("pages of files that only the start needed are given back, and the program goes on") {
  const std::size_t before = resident_file_kib();
  REQUIRE(before > 0);
  release_startup_pages();
  CHECK(resident_file_kib() < before);
  CHECK(std::to_string(12345) == "12345");  // code and constants come back when they are used
}

}  // namespace ringcache::net
