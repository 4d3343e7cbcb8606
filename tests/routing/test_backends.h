// Backends for the tests of the rings.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "routing/backend.h"

namespace ringcache::routing {

inline Backend make_backend(std::string_view address, std::uint32_t weight = 1) {
  Backend backend = parse_backend(address).backend;
  backend.weight = weight;
  return backend;
}

// `count` equal nodes; another seed gives other names.
inline std::vector<Backend> make_backends(std::size_t count, unsigned seed = 0) {
  std::vector<Backend> backends;
  for (std::size_t i = 0; i < count; ++i) {
    backends.push_back(
        make_backend("cache-" + std::to_string(seed) + "-" + std::to_string(i) + ".example:11211"));
  }
  return backends;
}

}  // namespace ringcache::routing
