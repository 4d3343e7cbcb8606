#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/block_pool.h"

/// The bytes that a connection has yet to send, in order: small ones copied, large ones referred
/// to.
///
///     Block (borrowed from the worker's pool), one of a chain
///     +------+----------------------------+- free -+---------+---------+---------+
///     | next | copied bytes  ->           |        | piece 2 | piece 1 | piece 0 |
///     +------+----------------------------+- free -+---------+---------+---------+
///
/// A piece is a run of copied bytes of this block, or a slice of somebody else's memory with the
/// function that releases it. Pieces are in sending order, so one sendmsg gathers them. A buffer
/// without bytes holds no block. Nothing here allocates once the pool is warm.
///
/// Thread rule: belongs to a Connection (or a test), touched by its worker only.
namespace ringcache::net {

class WriteBuffer {
 public:
  /// Called exactly once for each slice, on the worker: when it has been sent, or when the buffer
  /// is cleared or destroyed. Must not touch this buffer.
  using Release = void (*)(void* owner, void* context);

  explicit WriteBuffer(BlockPool& pool) : pool_(pool) {}
  ~WriteBuffer() { clear(); }
  WriteBuffer(const WriteBuffer&) = delete;
  WriteBuffer& operator=(const WriteBuffer&) = delete;

  /// Copies `bytes`, of any length.
  void append(std::string_view bytes);

  /// `count` writable bytes in a row, count <= kReserveMax; commit(n <= count) sends the first n.
  /// Nothing else may be called between the two. nullptr: no memory (the buffer is then failed()).
  [[nodiscard]] char* reserve(std::size_t count);
  void commit(std::size_t count);
  static constexpr std::size_t kReserveMax = kBlockBytesMin / 2;

  /// Sends `bytes` from where they lie; they must not change until `release(owner, context)`.
  /// Worth it from some KiB on; below kSliceMin they are copied and released at once.
  void append_slice(std::string_view bytes, Release release, void* owner, void* context);
  static constexpr std::size_t kSliceMin = 512;

  /// Calls `release(owner, context)` when everything appended so far has left, as for a slice: for
  /// whoever counts what waits. At once when nothing waits.
  void append_mark(Release release, void* owner, void* context);

  /// Gives a whole pool block to the buffer, of which `bytes` are to be sent.
  void append_block(Block block, std::string_view bytes);

  /// Takes all of `other` over, without copying, behind what is here. REQUIRES the same pool, and
  /// that nothing of `other` was sent yet.
  void take(WriteBuffer& other);

  /// Bytes not sent yet.
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  /// Out of memory at some point: what was appended is incomplete. The connection closes itself.
  bool failed() const { return failed_ != 0; }

  /// Fills `out` with the next pieces to send, in order; returns how many entries.
  std::size_t gather(std::span<iovec> out) const;
  /// The first `count` bytes were sent. REQUIRES count <= bytes().
  void consume(std::size_t count);
  /// Drops everything, releasing slices and memory.
  void clear();

  struct FlushResult {
    std::size_t sent_bytes = 0;
    int error = 0;  ///< errno; EAGAIN when the socket takes no more
  };
  /// Sends as much as the socket takes: one gathered sendmsg unless there are more pieces or bytes
  /// than one call takes. Never raises SIGPIPE.
  FlushResult flush(int fd);

 private:
  struct Piece;
  struct Chunk;

  Chunk* back() const;
  void chain(Chunk* first, Chunk* last);
  Chunk* room_for(std::size_t copied_bytes, bool new_piece);
  void pop_front_chunk();

  BlockPool& pool_;
  // Small, because idle connections have one each. The front chunk knows the last one.
  Chunk* front_ = nullptr;
  std::size_t bytes_ : 63 = 0;
  std::size_t failed_ : 1 = 0;
};

static_assert(sizeof(WriteBuffer) == 24);

}  // namespace ringcache::net
