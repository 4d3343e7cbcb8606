// When an item was last used and how often, in 16 bits: Item::recency.
//
//   bits 0-3   reads since it was stored (kept when its key is stored anew), at most kReadsMax
//   bits 4-15  the tick of the last read or store
//
// A tick passes whenever one part in kTicksPerTurnover of the memory was stored anew, so an age in
// ticks says how much else the cache has had to take in since, however fast that was. 12 bits count
// 64 turnovers; an item that is older than half of them is recognized by its second of last access
// (ticks are noted against seconds), and its age is extrapolated.
//
// Threads: any may read and mark items; `stored` is for the holder of the arena's lock.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "store/item.h"

namespace ringcache::store {

class AccessClock {
 public:
  static constexpr unsigned kReadsBits = 4;
  static constexpr unsigned kReadsMax = (1U << kReadsBits) - 1;
  static constexpr std::uint32_t kTicks = 1U << (16 - kReadsBits);
  static constexpr std::uint32_t kAgeMax = kTicks / 2;
  static constexpr std::size_t kTicksPerTurnover = 64;

  explicit AccessClock(std::size_t memory_bytes) { set_memory(memory_bytes); }

  // The ticks get longer or shorter from now on.
  void set_memory(std::size_t memory_bytes) {
    bytes_per_tick_ = std::max<std::size_t>(memory_bytes / kTicksPerTurnover, 1);
    bytes_ = std::min(bytes_, bytes_per_tick_);
  }

  std::uint32_t tick() const { return tick_.load(std::memory_order_relaxed); }

  // `bytes` of chunks were filled.
  void stored(std::size_t bytes, Seconds now) {
    bytes_ += bytes;
    while (bytes_ >= bytes_per_tick_) {
      bytes_ -= bytes_per_tick_;
      const std::uint32_t next = tick() + 1;
      if (next % kTicksPerNote == 0) {
        noted_[next / kTicksPerNote % kNotes].store(now, std::memory_order_relaxed);
      }
      tick_.store(next, std::memory_order_relaxed);
    }
  }

  // The recency of an item stored now.
  std::uint16_t fresh(unsigned reads) const {
    return static_cast<std::uint16_t>(tick() << kReadsBits | std::min(reads, kReadsMax));
  }
  // The item was read. Writes only what is new: an item that everybody reads stays in every core's
  // cache until the tick changes.
  void mark_read(Item& item) const {
    const std::uint16_t before = item.recency.load(std::memory_order_relaxed);
    const std::uint16_t after = fresh(reads_of(before) + 1);
    if (after != before) item.recency.store(after, std::memory_order_relaxed);
  }

  static unsigned reads(const Item& item) {
    return reads_of(item.recency.load(std::memory_order_relaxed));
  }
  // The clock as it stands, read once to look at many items.
  class Moment {
   public:
    // Ticks since the item was last read or stored.
    std::uint32_t age(const Item& item) const {
      const Seconds last = item.last_access();
      if (last < horizon_) return beyond(horizon_, last, now_);
      const std::uint32_t stamp = item.recency.load(std::memory_order_relaxed) >> kReadsBits;
      return (tick_ - stamp) % kTicks;
    }

   private:
    friend class AccessClock;
    std::uint32_t tick_ = 0;
    Seconds now_ = 0;
    Seconds horizon_ = 0;  // what was used before it is older than the ticks of an item can say
  };

  Moment moment(Seconds now) const {
    Moment moment;
    moment.tick_ = tick();
    moment.now_ = now;
    if (moment.tick_ >= kAgeMax) {
      const std::uint32_t note = (moment.tick_ - kAgeMax) / kTicksPerNote;
      moment.horizon_ = noted_[note % kNotes].load(std::memory_order_relaxed);
    }
    return moment;
  }
  std::uint32_t age(const Item& item, Seconds now) const { return moment(now).age(item); }

 private:
  static constexpr std::uint32_t kTicksPerNote = 64;
  static constexpr std::uint32_t kNotes = kTicks / kTicksPerNote;

  static unsigned reads_of(std::uint16_t recency) { return recency & kReadsMax; }
  // The last kAgeMax ticks took `now - horizon` seconds; those before are taken to have been as
  // long.
  static std::uint32_t beyond(Seconds horizon, Seconds last, Seconds now) {
    const std::uint64_t seconds = std::max<Seconds>(now > horizon ? now - horizon : 0, 1);
    const std::uint64_t ticks = kAgeMax + (horizon - last) * std::uint64_t{kAgeMax} / seconds;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(ticks, UINT32_C(1) << 30));
  }

  std::atomic<std::uint32_t> tick_{0};
  std::array<std::atomic<Seconds>, kNotes> noted_{};
  std::size_t bytes_ = 0;
  std::size_t bytes_per_tick_ = 1;
};

}  // namespace ringcache::store
