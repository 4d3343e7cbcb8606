// RateLimits: how many keys a second a pool's clients may get, and set, in all and by prefix.
//
// A limit is a token bucket: `per_second` tokens come in, at most `burst` are kept, each key takes
// one. It is kept as one number, the time at which the bucket will be full again (the virtual
// scheduling form of GCRA: ITU-T I.371, annex A), so that any number of threads take tokens with a
// compare-and-swap and no lock. A key takes from the bucket of its longest prefix that has one, and
// from the pool's; where the second refuses, the first has lost the token.
//
// One for a pool and process; any thread. A function of the time it is given.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

#include "protocol/command.h"
#include "routing/rate_limit_options.h"

namespace ringcache::routing {

class TokenBucket {
 public:
  explicit TokenBucket(const RateOptions& options);
  // False: there is none at `now_ns`, a time that does not run backwards.
  bool take(std::int64_t now_ns);
  bool limits() const { return interval_ns_ > 0; }

 private:
  const std::int64_t interval_ns_;  // between two tokens; 0: no limit
  const std::int64_t full_ns_;      // from empty to full
  std::atomic<std::int64_t> full_at_ns_{0};
};

// What a command with a key takes a token of. Nothing for deletes and touch: what they are for must
// not wait.
enum class RateClass : std::uint8_t { kNone, kGets, kSets };
RateClass rate_class(protocol::Command command);

class RateLimits {
 public:
  explicit RateLimits(const RateLimitOptions& options);
  RateLimits(const RateLimits&) = delete;
  RateLimits& operator=(const RateLimits&) = delete;

  const RateLimitOptions& options() const { return options_; }
  // Whether the command may be executed for the key now.
  bool admit(protocol::Command command, std::string_view key, std::int64_t now_ns);

 private:
  struct Buckets {
    explicit Buckets(const RatePair& rates) : gets(rates.gets), sets(rates.sets) {}
    TokenBucket& of(RateClass wanted) { return wanted == RateClass::kGets ? gets : sets; }
    TokenBucket gets;
    TokenBucket sets;
  };

  const RateLimitOptions options_;
  Buckets pool_;
  std::deque<Buckets> prefixes_;  // as in the options
};

}  // namespace ringcache::routing
