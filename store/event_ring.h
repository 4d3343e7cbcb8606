// The events of one thread on their way to whoever reads them: a bounded ring of bytes.
//
//   capacity 16:   . . . h h h t t t t h h h t . .      h header, t text, oldest first
//                        ^ read_                ^ written_
//
// The two positions only grow; a byte's place is its position modulo the capacity, so an event may
// lie over the end. What does not fit is refused, never half written; nothing is overwritten.
//
// Threads: one writes (push), one reads (pop); neither waits for the other. The memory is touched
// only as events come.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "store/watch_event.h"

namespace ringcache::store {

class EventRing {
 public:
  // REQUIRES capacity_bytes >= kBytesMin.
  explicit EventRing(std::size_t capacity_bytes);

  // Room for any one event.
  static constexpr std::size_t kBytesMin = sizeof(WatchEvent) + 1 + kWatchTextBytesMax;

  // --- the writer ---
  bool has_room(std::size_t text_bytes) const;
  // REQUIRES has_room(text.size()), text.size() <= kWatchTextBytesMax.
  void push(const WatchEvent& event, std::string_view text);

  // --- the reader ---
  // False: there is none. Otherwise the oldest; its text is written to `text`, which has room for
  // kWatchTextBytesMax.
  bool pop(WatchEvent& event, char* text, std::size_t& text_bytes);

  // --- any thread ---
  // The positions: equal when there is nothing to read.
  std::uint64_t written() const { return written_.load(std::memory_order_acquire); }
  std::uint64_t read() const { return read_.load(std::memory_order_acquire); }
  std::size_t used_bytes() const;
  std::size_t capacity_bytes() const { return capacity_; }

 private:
  void copy_in(std::uint64_t at, const void* from, std::size_t bytes);
  void copy_out(std::uint64_t at, void* to, std::size_t bytes) const;

  const std::size_t capacity_;
  const std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace ringcache::store
