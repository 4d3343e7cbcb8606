#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <vector>

/// Memory for the read and write buffers of one worker's connections.
///
/// Blocks come in powers of two from kBlockBytesMin up to kBlockBytesMax and are kept for reuse
/// when they come back, so steady traffic allocates nothing; a connection without bytes holds no
/// block. What was not needed since the last trim() is given back to the system, so a burst is
/// forgotten after two trims.
///
/// Thread rule: belongs to one worker, touched by its thread only. Its destruction REQUIRES that
/// every block has come back.
namespace ringcache::net {

constexpr std::size_t kBlockBytesMin = 16 * 1024;
constexpr std::size_t kBlockClasses = 13;
constexpr std::size_t kBlockBytesMax = kBlockBytesMin << (kBlockClasses - 1);  // 64 MiB

struct Block {
  char* data = nullptr;
  std::size_t bytes = 0;
};

class BlockPool {
 public:
  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  /// A block of at least `bytes_min` (aligned for anything), or {nullptr, 0} when the system has no
  /// memory or bytes_min > kBlockBytesMax.
  [[nodiscard]] Block borrow(std::size_t bytes_min = kBlockBytesMin);
  void give_back(Block block);

  /// Frees what lay unused since the last call. The worker calls it every few seconds.
  void trim();

  /// Where prepare() of a read buffer describes the room that it offers: until the next one of the
  /// same worker.
  std::array<iovec, 1> offered{};

  std::size_t borrowed_bytes() const { return borrowed_bytes_; }
  std::size_t kept_bytes() const;

 private:
  struct SizeClass {
    std::vector<char*> kept;
    std::size_t kept_min = 0;  ///< fewest kept since the last trim: those nobody needed
  };
  std::array<SizeClass, kBlockClasses> classes_;
  std::size_t borrowed_bytes_ = 0;
};

}  // namespace ringcache::net
