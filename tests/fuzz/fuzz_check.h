// What a fuzz target does when an invariant does not hold.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace ringcache::test {

inline void fuzz_check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what.c_str());
  std::abort();
}

}  // namespace ringcache::test
