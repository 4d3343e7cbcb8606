// WriteEpochs: whether a key may have been written through this process since some moment, and
// whether such a write is under way.
//
// Two counters for each of kSlots hashes of keys, of any worker's writes: one counted up before a
// write is sent, the other when its answer, or the end of waiting for it, is there. Who finds them
// equal knows that all writes to the key are done at the node, and who finds the first unchanged
// later, that none began in between; a write to another key of the same slot only looks like one.
// So a reader can tell, without a lock, whether an answer that it could share is from after
// everything that was written and acknowledged.
//
// One for the process, owned by ProxyServer; all methods in any thread. 32 KiB. WriteMarks belong
// to a request, touched by its worker only.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringcache::proxy {

class WriteEpochs {
 public:
  static constexpr std::size_t kSlots = 4096;

  // What was begun: unequal later if a write was since.
  struct Epoch {
    std::uint32_t key = 0;
    std::uint32_t all = 0;
    bool operator==(const Epoch&) const = default;
  };

  Epoch of(std::size_t key_hash) const {
    return {slots_[key_hash % kSlots].begun.load(), all_.begun.load()};
  }
  // Whether all that was begun until `epoch`, read before, is done. May be wrong when something was
  // begun since, which the next of() tells.
  bool settled(std::size_t key_hash, Epoch epoch) const {
    return slots_[key_hash % kSlots].done.load() == epoch.key && all_.done.load() == epoch.all;
  }

 private:
  friend class WriteMarks;
  struct Counts {
    std::atomic<std::uint32_t> begun{0};
    std::atomic<std::uint32_t> done{0};
  };
  std::array<Counts, kSlots> slots_{};
  // Of what changes every key. Read by every get: not on a line with what single writes count.
  alignas(64) Counts all_;
};

// The writes of one request: begun before it is sent, done when its last answer is there. Empty for
// requests that write nothing. Allocates nothing when warm.
class WriteMarks {
 public:
  void begin(WriteEpochs& epochs, std::size_t key_hash);
  // For what changes every key (flush_all).
  void begin_all(WriteEpochs& epochs);
  // Counts them as done, and is empty. Idempotent.
  void done();
  bool empty() const { return slots_.empty() && !all_; }

 private:
  // Slots whose memory is kept for the next request.
  static constexpr std::size_t kKeptMax = 64;

  WriteEpochs* epochs_ = nullptr;
  bool all_ = false;
  std::vector<std::uint16_t> slots_;
};

}  // namespace ringcache::proxy
