#include "net/write_buffer.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace ringcache::net {

/// One entry of what is sent: a run of bytes copied into this chunk (release is null), a slice, or
/// a mark (a slice of no bytes).
struct WriteBuffer::Piece {
  const char* data;
  std::size_t bytes;
  Release release;
  void* owner;
  void* context;
};

/// A block of the pool: this header, copied bytes growing up, pieces growing down from its end.
struct WriteBuffer::Chunk {
  Chunk* next;
  Chunk* last;  ///< of the chain; only kept in its front chunk
  std::size_t block_bytes;
  std::size_t copied_end;     ///< offset in the block behind the last copied byte
  std::size_t pieces;         ///< made so far
  std::size_t pieces_sent;    ///< of them, done with
  std::size_t sent_of_front;  ///< bytes of the first unsent piece that have left

  char* base() { return reinterpret_cast<char*>(this); }
  Piece* piece(std::size_t index) {
    return reinterpret_cast<Piece*>(base() + block_bytes) - 1 - index;
  }
  const Piece* piece(std::size_t index) const { return const_cast<Chunk*>(this)->piece(index); }
  std::size_t free_bytes() const { return block_bytes - pieces * sizeof(Piece) - copied_end; }
  /// The last piece, if it is a run of copied bytes that ends where the next ones go.
  Piece* open_run() {
    if (pieces == pieces_sent) return nullptr;
    Piece* last = piece(pieces - 1);
    return last->release == nullptr ? last : nullptr;
  }
};

namespace {

/// Blocks are aligned to 16 at least, so their size class fits into the low bits of the address.
constexpr std::uintptr_t kSizeClassMask = 15;
static_assert(kBlockClasses <= kSizeClassMask + 1);

void release_block(void* owner, void* context) {
  const std::uintptr_t size_class = reinterpret_cast<std::uintptr_t>(context) & kSizeClassMask;
  static_cast<BlockPool*>(owner)->give_back(
      {static_cast<char*>(context) - size_class, kBlockBytesMin << size_class});
}

}  // namespace

WriteBuffer::Chunk* WriteBuffer::back() const {
  return front_ != nullptr ? front_->last : nullptr;
}

// Puts a chain of chunks behind what is here.
void WriteBuffer::chain(Chunk* first, Chunk* last) {
  if (front_ == nullptr) {
    front_ = first;
  } else {
    front_->last->next = first;
  }
  front_->last = last;
}

// Room for `copied_bytes` in a row (or one piece) in the last chunk; a new chunk if it has none.
WriteBuffer::Chunk* WriteBuffer::room_for(std::size_t copied_bytes, bool new_piece) {
  if (Chunk* const last = back()) {
    const bool needs_piece = new_piece || last->open_run() == nullptr;
    if (last->free_bytes() >= copied_bytes + (needs_piece ? sizeof(Piece) : 0)) return last;
  }
  const Block block = pool_.borrow();
  if (block.data == nullptr) {
    failed_ = 1;
    return nullptr;
  }
  auto* chunk = new (block.data) Chunk{nullptr, nullptr, block.bytes, sizeof(Chunk), 0, 0, 0};
  chain(chunk, chunk);
  return chunk;
}

char* WriteBuffer::reserve(std::size_t count) {
  assert(count <= kReserveMax);
  Chunk* chunk = room_for(count, false);
  return chunk != nullptr ? chunk->base() + chunk->copied_end : nullptr;
}

void WriteBuffer::commit(std::size_t count) {
  if (count == 0) {
    if (bytes_ == 0) clear();  // an empty buffer holds no block
    return;
  }
  Chunk* const last = back();
  Piece* run = last->open_run();
  if (run == nullptr) {
    run = new (last->piece(last->pieces++))
        Piece{last->base() + last->copied_end, 0, nullptr, nullptr, nullptr};
  }
  run->bytes += count;
  last->copied_end += count;
  bytes_ += count;
}

void WriteBuffer::append(std::string_view bytes) {
  while (!bytes.empty()) {
    Chunk* chunk = room_for(1, false);
    if (chunk == nullptr) return;
    const std::size_t piece_bytes = chunk->open_run() == nullptr ? sizeof(Piece) : 0;
    const std::size_t count = std::min(bytes.size(), chunk->free_bytes() - piece_bytes);
    std::memcpy(chunk->base() + chunk->copied_end, bytes.data(), count);
    commit(count);
    bytes.remove_prefix(count);
  }
}

void WriteBuffer::append_slice(std::string_view bytes, Release release, void* owner,
                               void* context) {
  if (bytes.size() < kSliceMin) {
    append(bytes);
    release(owner, context);
    return;
  }
  Chunk* chunk = room_for(0, true);
  if (chunk == nullptr) {
    release(owner, context);
    return;
  }
  new (chunk->piece(chunk->pieces++)) Piece{bytes.data(), bytes.size(), release, owner, context};
  bytes_ += bytes.size();
}

void WriteBuffer::append_mark(Release release, void* owner, void* context) {
  Chunk* chunk = bytes_ > 0 ? room_for(0, true) : nullptr;
  if (chunk == nullptr) {
    release(owner, context);
    return;
  }
  new (chunk->piece(chunk->pieces++)) Piece{nullptr, 0, release, owner, context};
}

void WriteBuffer::append_block(Block block, std::string_view bytes) {
  const int size_class = std::countr_zero(block.bytes / kBlockBytesMin);
  append_slice(bytes, release_block, &pool_, block.data + size_class);
}

void WriteBuffer::take(WriteBuffer& other) {
  assert(&pool_ == &other.pool_);
  failed_ |= other.failed_;
  other.failed_ = 0;
  if (other.front_ == nullptr) return;
  chain(other.front_, other.back());
  other.front_ = nullptr;
  bytes_ += other.bytes_;
  other.bytes_ = 0;
}

std::size_t WriteBuffer::gather(std::span<iovec> out) const {
  std::size_t count = 0;
  for (Chunk* chunk = front_; chunk != nullptr; chunk = chunk->next) {
    std::size_t sent = chunk->sent_of_front;
    for (std::size_t index = chunk->pieces_sent; index < chunk->pieces; ++index) {
      if (count == out.size()) return count;
      const Piece* piece = chunk->piece(index);
      if (piece->bytes == 0) continue;
      out[count++] = {const_cast<char*>(piece->data) + sent, piece->bytes - sent};
      sent = 0;
    }
  }
  return count;
}

void WriteBuffer::consume(std::size_t count) {
  assert(count <= bytes_);
  bytes_ -= count;
  while (count > 0) {
    Chunk* chunk = front_;
    if (chunk->pieces_sent == chunk->pieces) {
      pop_front_chunk();
      continue;
    }
    Piece* piece = chunk->piece(chunk->pieces_sent);
    const std::size_t left = piece->bytes - chunk->sent_of_front;
    if (count < left) {
      chunk->sent_of_front += count;
      return;
    }
    count -= left;
    chunk->sent_of_front = 0;
    ++chunk->pieces_sent;
    if (piece->release != nullptr) piece->release(piece->owner, piece->context);
  }
  if (bytes_ == 0) clear();
}

void WriteBuffer::pop_front_chunk() {
  Chunk* chunk = front_;
  front_ = chunk->next;
  if (front_ != nullptr) front_->last = chunk->last;
  pool_.give_back({chunk->base(), chunk->block_bytes});
}

void WriteBuffer::clear() {
  while (front_ != nullptr) {
    while (front_->pieces_sent < front_->pieces) {
      const Piece* piece = front_->piece(front_->pieces_sent++);
      if (piece->release != nullptr) piece->release(piece->owner, piece->context);
    }
    pop_front_chunk();
  }
  bytes_ = 0;
}

WriteBuffer::FlushResult WriteBuffer::flush(int fd) {
  FlushResult result;
  std::array<iovec, 64> pieces;
  while (bytes_ > 0) {
    const std::size_t count = gather(pieces);
    std::size_t gathered = 0;
    for (std::size_t index = 0; index < count; ++index) gathered += pieces[index].iov_len;
    ssize_t sent = 0;
    if (count == 1) {
      sent = ::send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = count;
      sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (sent < 0) {
      if (errno == EINTR) continue;
      result.error = errno == EWOULDBLOCK ? EAGAIN : errno;
      return result;
    }
    consume(static_cast<std::size_t>(sent));
    result.sent_bytes += static_cast<std::size_t>(sent);
    if (static_cast<std::size_t>(sent) < gathered) {
      // The socket took part of it: asking again now would only say so.
      result.error = EAGAIN;
      return result;
    }
  }
  return result;
}

}  // namespace ringcache::net
