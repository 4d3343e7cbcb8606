// Numbers that whoever runs a test may set: a seed, how much longer than usual to run.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace ringcache {

inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace ringcache
