#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/block_pool.h"

/// The bytes that a connection has received and its handler has not consumed yet.
///
///     block borrowed from the worker's pool, only while there are bytes
///     +------------+---------------------+-------------------+
///     |  consumed  |  bytes()            |  room             |
///     +------------+---------------------+-------------------+
///     0          begin_                end_             block.bytes
///
///     recv:      prepare() borrows a block if there is none and offers the room
///                commit(n)    end_ += n
///     handler:   bytes()      always contiguous, so a command is parsed in place
///                consume(n)   begin_ += n
///     after it:  release()    nothing left: the block goes back to the pool;
///                             something left and little room: moved to the front
///
/// Bytes are moved to the front only between two reads and only when the room behind them has
/// become small, never by consume(): a view that the parser handed out stays good for the whole
/// on_bytes(). A large command (`ensure`) or a reader in full flow (a read that filled the room)
/// gets a larger block next time; an idle connection has none at all.
///
/// Lending: a handler that knows where the next bytes belong (the value of an item) offers that
/// memory with lend(); recv then writes straight into it, and only what follows lands in the block.
///
///     lend({piece 0, piece 1}) ->  recv into [ piece 0 | piece 1 | block ]
///
/// Thread rule: belongs to a Connection, touched by its worker only.
namespace ringcache::net {

class WriteBuffer;

constexpr std::size_t kLentPiecesMax = 8;

class ReadBuffer {
 public:
  /// `limit_bytes`: the most that may be held unconsumed, so the longest single command; taken for
  /// kBlockBytesMax if it is more.
  ReadBuffer(BlockPool& pool, std::size_t limit_bytes)
      : pool_(pool),
        limit_bytes_(static_cast<std::uint32_t>(std::min(limit_bytes, kBlockBytesMax))) {}
  ~ReadBuffer();
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  // ---- for handlers ----

  std::string_view bytes() const { return {data_ + begin_, size()}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t limit_bytes() const { return limit_bytes_; }

  /// Drops the first `count` bytes. REQUIRES count <= size(). Views stay good until on_bytes ends.
  void consume(std::size_t count) { begin_ += static_cast<std::uint32_t>(count); }

  /// Makes room so that a command of `total` bytes, counted from the front of bytes(), can arrive
  /// whole. May move the bytes: views die. False: above limit_bytes(), or no memory; nothing
  /// changed.
  [[nodiscard]] bool ensure(std::size_t total);

  /// Offers memory for the next bytes, filled in order; at most kLentPiecesMax pieces, none empty.
  /// REQUIRES empty() (copy out and consume what already arrived first) and no loan in progress.
  /// on_bytes is not called again until every piece is full (or the connection closes); then
  /// lent_left() is 0 and the memory is the lender's again. False: no memory; nothing was lent.
  [[nodiscard]] bool lend(std::span<const std::span<char>> pieces);
  /// Bytes of the loan that have not arrived yet.
  std::size_t lent_left() const { return loan_ != nullptr ? lent_bytes_left() : 0; }
  /// Ends a loan early. The memory is not touched after this returns.
  void take_back();

  /// Moves the first `count` bytes to the end of `out` (of the same worker) and consumes them. When
  /// they fill much of the block, the block itself changes hands instead of its bytes. Views die.
  /// False: no memory; nothing changed. True: they are `out`'s, which may have failed().
  [[nodiscard]] bool move_to(WriteBuffer& out, std::size_t count);

  // ---- for the connection ----

  /// Where the next recv may write: the loan, then the room. Empty: at the limit, or no memory.
  /// Good until the next prepare() of the worker.
  std::span<const iovec> prepare();
  /// `count` bytes arrived in what prepare() offered.
  void commit(std::size_t count);
  /// True when the last commit filled everything that was offered: more is probably waiting.
  bool filled() const { return filled_; }
  /// The handler is done for now: gives the block back if nothing is left in it.
  void release();
  bool holds_memory() const { return data_ != nullptr; }

 private:
  bool grow(std::size_t bytes);
  void move_to_front();

  std::size_t block_bytes() const { return kBlockBytesMin << size_class_; }
  std::size_t room_bytes() const { return std::min(block_bytes() - end_, limit_bytes_ - size()); }
  std::size_t lent_bytes_left() const;
  void hold(Block block, std::size_t bytes);

  // Small, because idle connections have one each: positions are less than kBlockBytesMax.
  struct Loan;
  BlockPool& pool_;
  char* data_ = nullptr;  ///< of the block; nullptr: none
  Loan* loan_ = nullptr;  ///< lives in a block of the pool
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t limit_bytes_;
  std::uint8_t size_class_ = 0;    ///< of the block: kBlockBytesMin << size_class_
  std::uint8_t wanted_class_ = 0;  ///< of the next block; grows in full flow
  bool filled_ = false;
};

static_assert(sizeof(ReadBuffer) == 40);

}  // namespace ringcache::net
