#include "store/reservation.h"

#include <algorithm>
#include <cstring>

#include "store/arena.h"

namespace ringcache::store {

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this == &other) return *this;
  reset();
  arena_ = other.arena_;
  item_ = std::exchange(other.item_, nullptr);
  hash_ = other.hash_;
  filled_ = other.filled_;
  writable_ = other.writable_;
  current_ = other.current_;
  status_ = other.status_;
  return *this;
}

std::size_t Reservation::writable(std::span<std::span<char>> pieces) const {
  if (pieces.empty() || writable_.empty()) return 0;
  std::size_t count = 0;
  pieces[count++] = writable_;
  const Region& region = arena_->region();
  ChunkRef next = kNoChunk;
  if (current_ != nullptr) {
    next = current_->next_chunk();
  } else {
    next = item_->chain();
  }
  for (; next != kNoChunk && count < pieces.size();
       next = region.continuation(next)->next_chunk()) {
    Continuation* chunk = region.continuation(next);
    pieces[count++] = {chunk->value(), chunk->bytes};
  }
  return count;
}

void Reservation::advance(std::size_t bytes) {
  filled_ += bytes;
  while (true) {
    const std::size_t here = std::min(bytes, writable_.size());
    writable_ = writable_.subspan(here);
    bytes -= here;
    if (!writable_.empty() || remaining() == 0) return;
    const ChunkRef next = current_ == nullptr ? item_->chain() : current_->next_chunk();
    current_ = arena_->region().continuation(next);
    writable_ = {current_->value(), current_->bytes};
  }
}

void Reservation::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t here = std::min(bytes.size(), writable_.size());
    std::memcpy(writable_.data(), bytes.data(), here);
    advance(here);
    bytes.remove_prefix(here);
  }
}

void Reservation::reset() {
  if (item_ == nullptr) return;
  const ArenaLock lock(*arena_);
  arena_->free_unlinked(*item_);
  item_ = nullptr;
}

// The head's part may be empty (a key and header that fill the chunk): writable() must not be.
Reservation Arena::reservation(Item& item, std::uint64_t hash) {
  Reservation reservation;
  reservation.arena_ = this;
  reservation.item_ = &item;
  reservation.hash_ = hash;
  reservation.status_ = ReserveStatus::kOk;
  reservation.writable_ = {item.payload() + item.key_bytes, item.head_value_bytes()};
  reservation.advance(0);
  return reservation;
}

}  // namespace ringcache::store
