// Expiry times: what the numbers of the protocol mean on the store's clock. Pure functions.
//
// The store has no clock. Its caller counts whole seconds, monotonic, starting at kClockStart (not
// 0, because an expiry of 0 means "never" and one of 1 means "already past"), and knows
// `unix_offset`: the Unix time at which that count was 0. Both programs and tests pass them in.
//
// Source: protocol.txt, "Expiration times": 0 never expires, a negative number is expired at once,
// up to 30 days is relative to now, anything larger is a Unix time.
#pragma once

#include <cstdint>

namespace ringcache::store {

// Seconds on the store's clock. 32 bits last 136 years.
using Seconds = std::uint32_t;

inline constexpr Seconds kNever = 0;        // as an expiry: never
inline constexpr Seconds kAlreadyPast = 1;  // as an expiry: before any possible now
inline constexpr Seconds kClockStart = 2;   // the smallest `now` a caller may pass
inline constexpr std::int64_t kRelativeExptimeMax = 60 * 60 * 24 * 30;  // 30 days, inclusive

// The expiry, on the store's clock, of a wire exptime received at `now`.
constexpr Seconds expiry_from_wire(std::int64_t exptime, Seconds now, std::int64_t unix_offset) {
  if (exptime == 0) return kNever;
  if (exptime < 0) return kAlreadyPast;
  const std::int64_t at = exptime <= kRelativeExptimeMax ? exptime + now : exptime - unix_offset;
  if (exptime > kRelativeExptimeMax && exptime <= unix_offset) return kAlreadyPast;
  if (at < kAlreadyPast) return kAlreadyPast;
  return at > INT64_C(0xFFFFFFFF) ? kNever : static_cast<Seconds>(at);
}

constexpr bool is_expired(Seconds expiry, Seconds now) {
  return expiry != kNever && expiry <= now;
}

// Seconds left, for the meta flag t: -1 for never, 0 when past.
constexpr std::int64_t seconds_left(Seconds expiry, Seconds now) {
  if (expiry == kNever) return -1;
  return expiry > now ? static_cast<std::int64_t>(expiry) - now : 0;
}

}  // namespace ringcache::store
