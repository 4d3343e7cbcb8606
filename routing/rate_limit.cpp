#include "routing/rate_limit.h"

#include <algorithm>

namespace ringcache::routing {

using protocol::Command;

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

std::int64_t interval_of(const RateOptions& options) {
  return options.per_second == 0 ? 0 : kSecondNs / options.per_second;
}

}  // namespace

TokenBucket::TokenBucket(const RateOptions& options)
    : interval_ns_(interval_of(options)),
      full_ns_(interval_ns_ * (options.burst == 0 ? options.per_second : options.burst)) {}

bool TokenBucket::take(std::int64_t now_ns) {
  std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t next = std::max(full_at, now_ns) + interval_ns_;
    if (next - now_ns > full_ns_) return false;
    if (full_at_ns_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return true;
  }
}

RateClass rate_class(Command command) {
  switch (command) {
    case Command::kDelete:
    case Command::kMetaDelete:
    case Command::kTouch:
      return RateClass::kNone;
    default:
      break;
  }
  if (protocol::is_read(command)) return RateClass::kGets;
  return protocol::is_write(command) ? RateClass::kSets : RateClass::kNone;
}

RateLimits::RateLimits(const RateLimitOptions& options) : options_(options), pool_(options) {
  for (const PrefixRate& prefix : options_.prefixes) prefixes_.emplace_back(prefix);
}

bool RateLimits::admit(Command command, std::string_view key, std::int64_t now_ns) {
  const RateClass wanted = rate_class(command);
  if (wanted == RateClass::kNone) return true;
  std::size_t longest = prefixes_.size();
  for (std::size_t at = 0; at < prefixes_.size(); ++at) {
    const std::string& prefix = options_.prefixes[at].prefix;
    if (!key.starts_with(prefix)) continue;
    if (longest == prefixes_.size() || prefix.size() > options_.prefixes[longest].prefix.size()) {
      longest = at;
    }
  }
  if (longest < prefixes_.size()) {
    TokenBucket& bucket = prefixes_[longest].of(wanted);
    if (bucket.limits() && !bucket.take(now_ns)) return false;
  }
  TokenBucket& bucket = pool_.of(wanted);
  return !bucket.limits() || bucket.take(now_ns);
}

}  // namespace ringcache::routing
