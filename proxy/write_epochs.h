// WriteEpochs: whether a key may have been written through this process since some moment.
//
// A counter for each of kSlots hashes of keys, counted up before a write is sent, by any worker.
// Who reads a key's epoch, and the same again later, knows that no write to it was sent in between;
// a write to another key of the same slot only looks like one. So a reader can tell, without a
// lock, whether an answer that it could share is from after everything that was written and
// acknowledged.
//
// One for the process, owned by ProxyServer; all methods in any thread. 16 KiB.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringcache::proxy {

class WriteEpochs {
 public:
  static constexpr std::size_t kSlots = 4096;

  std::uint64_t of(std::size_t key_hash) const {
    return std::uint64_t{slots_[key_hash % kSlots].load()} + all_.load();
  }
  // Before the write is sent.
  void writing(std::size_t key_hash) { slots_[key_hash % kSlots].fetch_add(1); }
  // Before something is sent that changes every key (flush_all).
  void writing_all() { all_.fetch_add(std::uint64_t{1} << 32); }

 private:
  std::array<std::atomic<std::uint32_t>, kSlots> slots_{};
  std::atomic<std::uint64_t> all_{0};
};

}  // namespace ringcache::proxy
