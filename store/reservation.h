// Room for an item whose value is still to come.
//
// `StoreThread::reserve` takes the chunks first, so that a value can be read from the network into
// its place. The owner fills it, in as many steps as the network needs, then passes it to
// `StoreThread::commit`, which stores it or not. A Reservation that dies uncommitted frees its
// chunks at once. Move-only; one owner at a time, on any thread; must not outlive its Store. A
// reserved item can't be evicted and its memory counts: bound how many are open, and for how long.
//
//   value_bytes = 10, two chunks:   [abcde][f....]
//                                          ^ filled() = 6; writable() = {"...."}, remaining() = 4
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "store/item.h"

namespace ringcache::store {

class Arena;

enum class ReserveStatus : std::uint8_t {
  kOk,
  kTooLarge,  // over StoreOptions::item_bytes_max
  kNoMemory,  // nothing could be evicted
};

class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { *this = std::move(other); }
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { reset(); }

  // True when there is room; otherwise status() says why not.
  explicit operator bool() const { return item_ != nullptr; }
  ReserveStatus status() const { return status_; }

  std::size_t value_bytes() const { return item_->value_bytes(); }
  std::size_t filled() const { return filled_; }
  std::size_t remaining() const { return value_bytes() - filled_; }

  // The next piece of room: not empty while remaining() > 0. Write to its start, then advance.
  std::span<char> writable() const { return writable_; }
  // As many consecutive pieces as fit into `pieces`, for a scattered read; returns how many.
  std::size_t writable(std::span<std::span<char>> pieces) const;
  // The first `bytes` (<= remaining()) of the room are filled.
  void advance(std::size_t bytes);
  // Copies `bytes` in and advances. REQUIRES bytes.size() <= remaining().
  void write(std::string_view bytes);

  // Frees the room.
  void reset();

 private:
  friend class Arena;
  friend class StoreThread;

  Arena* arena_ = nullptr;
  Item* item_ = nullptr;
  std::uint64_t hash_ = 0;
  std::size_t filled_ = 0;
  std::span<char> writable_;
  Continuation* current_ = nullptr;  // the chunk of writable_; nullptr = the head
  ReserveStatus status_ = ReserveStatus::kNoMemory;
};

}  // namespace ringcache::store
