#pragma once

#include <cstddef>
#include <string_view>

#include "net/block_pool.h"
#include "net/write_buffer.h"

/// One copy of some bytes that several write buffers of a worker send.
///
///     block of the pool:  | this header | bytes ...            |
///                            ^ counts the buffers that refer to it, and its maker
///
/// Worth it from some KiB on. The last one to let go gives the block back to the pool.
///
/// Thread rule: belongs to one worker, touched by its thread only.
namespace ringcache::net {

class SharedBytes {
 public:
  /// A copy of `bytes`; the caller is its maker and lets go of it with drop(). nullptr: no memory,
  /// or more than a block of the pool holds.
  [[nodiscard]] static SharedBytes* copy_of(std::string_view bytes, BlockPool& pool);
  SharedBytes(const SharedBytes&) = delete;
  SharedBytes& operator=(const SharedBytes&) = delete;

  std::string_view bytes() const;
  /// Sends the bytes from where they lie. `out` is of the same worker.
  void append_to(WriteBuffer& out);
  /// The maker needs them no longer: `this` may be gone.
  void drop();

 private:
  SharedBytes(BlockPool& pool, Block block, std::size_t count)
      : pool_(pool), block_(block), count_(count) {}

  BlockPool& pool_;
  Block block_;  ///< that this lies at the begin of
  std::size_t count_;
  std::size_t references_ = 1;
};

}  // namespace ringcache::net
