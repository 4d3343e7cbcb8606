// Shadow: which of a pool's keys have their requests copied to another pool, and to which one.
//
// A key is always copied or never, on every proxy and after every restart: its hash decides, mixed
// so that the choice says nothing about the key's place on a ring. So a pool that shadows a tenth
// sees whole lives of a tenth of the keys.
//
// Immutable, any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "routing/pool_options.h"
#include "routing/route_plan.h"

namespace ringcache::routing {

class Shadow {
 public:
  // REQUIRES options.percent from 1 to 100.
  Shadow(const ShadowOptions& options, PoolIndex pool);

  // The pool that sees the copies.
  PoolIndex pool() const { return pool_; }
  bool takes(std::string_view key) const;

 private:
  PoolIndex pool_;
  std::uint32_t parts_;  // of kParts
  static constexpr std::uint32_t kParts = 1U << 20;
};

}  // namespace ringcache::routing
