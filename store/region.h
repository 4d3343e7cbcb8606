// The reserved address range that holds every chunk, and the arithmetic of ChunkRef.
//
// A Region is mapped once, at its full size, and touched page by page as it is used, so its size is
// the bound of what the store can ever occupy. Immutable after construction; any thread may
// translate references.
#pragma once

#include <cstddef>
#include <cstdint>

#include "store/huge_pages.h"
#include "store/item.h"

namespace ringcache::store {

// An anonymous private mapping that costs memory only where it is touched; throws std::bad_alloc
// when the address space is refused. Large ones begin at a multiple of kHugePageBytes, and have no
// huge pages but those that are asked for. `release` gives whole pages back to the system.
class Mapping {
 public:
  explicit Mapping(std::size_t bytes);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  void release(std::size_t offset, std::size_t bytes);
  // Asks for pages of 2 MiB from now on. False: the system has none.
  bool prefer_huge_pages() const;

 private:
  char* data_;
  std::size_t bytes_;
};

class Region {
 public:
  // Chunks start at multiples of 8 bytes, of 16 from 16 GiB on, and so on: a reference has 31 bits.
  // Items begin `item_offset` bytes (a multiple of 8) into their chunk: room for an eviction
  // policy's links.
  explicit Region(std::size_t bytes, std::size_t item_offset = 0);

  std::size_t bytes() const { return mapping_.bytes(); }
  std::size_t chunk_alignment() const { return std::size_t{1} << shift_; }
  std::size_t item_offset() const { return item_offset_; }
  void release(std::size_t offset, std::size_t bytes) { mapping_.release(offset, bytes); }
  bool prefer_huge_pages() const { return mapping_.prefer_huge_pages(); }
  char* memory(std::size_t offset) const { return mapping_.data() + offset; }

  std::size_t offset(ChunkRef ref) const { return static_cast<std::size_t>(ref - 1) << shift_; }
  ChunkRef ref(std::size_t offset) const { return static_cast<ChunkRef>(offset >> shift_) + 1; }
  // Of an Item or a Continuation.
  ChunkRef ref(const void* item) const {
    return ref(static_cast<std::size_t>(static_cast<const char*>(item) - items_));
  }
  Item* item(ChunkRef ref) const { return reinterpret_cast<Item*>(items_ + offset(ref)); }
  Continuation* continuation(ChunkRef ref) const {
    return reinterpret_cast<Continuation*>(items_ + offset(ref));
  }

 private:
  Mapping mapping_;
  std::size_t item_offset_;
  char* items_;  // where the first chunk's item begins
  unsigned shift_;
};

}  // namespace ringcache::store
