// LargeKeys: which keys had a large value when they were last seen, so that a get of one can take a
// connection that no small request waits on (upstream_set.h).
//
// A table of kSlots places, each for one key, by its mark: a newer large key takes the place of an
// older one, and what is forgotten costs no more than that its next get is sent as a small one.
// Two keys with one mark are taken for each other, and that costs no more either.
//
// One for all workers of the process: any thread, no lock. Written when a large value passes, read
// for each get once there was any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringcache::proxy {

class LargeKeys {
 public:
  static constexpr std::size_t kSlots = 8192;

  // `mark`: key_mark() of in_flight.h; 0 names no key.
  void note(std::size_t mark, std::uint64_t value_bytes);
  void forget(std::size_t mark);

  // Whether any key was ever noted.
  bool any() const { return any_.load(std::memory_order_relaxed); }
  // What its value had when it was last seen, bytes; 0: not known as large.
  std::uint64_t size_of(std::size_t mark) const {
    if (!any()) return 0;
    const std::uint64_t word = slots_[slot(mark)].load(std::memory_order_relaxed);
    return word >> 32 == tag(mark) ? word & kSizeMax : 0;
  }

 private:
  static constexpr std::uint64_t kSizeMax = 0xffff'ffff;
  static std::size_t slot(std::size_t mark) { return mark / 2 % kSlots; }  // a mark is odd
  static std::uint64_t tag(std::size_t mark) { return std::uint64_t{mark} >> 32; }

  std::array<std::atomic<std::uint64_t>, kSlots> slots_{};  // tag, then size
  std::atomic<bool> any_{false};
};

}  // namespace ringcache::proxy
