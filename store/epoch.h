// Epochs: when may memory that was unlinked be used again?
//
// Readers take no lock. A thread announces, at the start of a batch, the epoch that it found, and
// withdraws it at the end. A chunk unlinked in epoch E may still be seen by a thread that announced
// E or less; it is free when every announcement is above E or withdrawn.
//
//   advance()    a writer, under the arena's lock, starts epoch E+1
//   announce()   a thread publishes the epoch it found and looks again: if it is still the same,
//   every
//                unlink of an earlier epoch is visible to what it reads from then on. Both sides
//                use sequentially consistent operations: either the writer's scan sees the
//                announcement, or the thread sees the new epoch and announces that.
//
// Epochs are 64 bits and never wrap. Any thread, except where said.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringcache::store {

using Epoch = std::uint64_t;
inline constexpr Epoch kNoEpoch = 0;  // announces nothing

// One for each thread, on a cache line of its own: written by its thread, read by writers.
class alignas(64) EpochSlot {
 public:
  void announce(const std::atomic<Epoch>& now) {
    Epoch found = now.load(std::memory_order_relaxed);
    while (true) {
      announced_.store(found, std::memory_order_seq_cst);
      const Epoch again = now.load(std::memory_order_seq_cst);
      if (again == found) return;
      found = again;
    }
  }
  void withdraw() { announced_.store(kNoEpoch, std::memory_order_release); }
  Epoch announced() const { return announced_.load(std::memory_order_seq_cst); }

 private:
  std::atomic<Epoch> announced_{kNoEpoch};
};

}  // namespace ringcache::store
