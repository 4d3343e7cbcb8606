// One listing of the node's items, for a client that asked for it: piece by piece, at the pace at
// which the client reads, so that nobody waits for it and what it needs of memory does not grow.
//
//   lru_crawler metadump  "key=<percent-encoded> exp=<unix> la=<unix> cas=… fetch=yes|no cls=…
//                         size=…\n" for each item, then "END\r\n"
//   lru_crawler mgdump    "mg <key>\r\n", a binary key as "mg <base64> b\r\n", then "EN\r\n"
//   stats cachedump       "ITEM <key> [<value bytes> b; <exp, unix> s]\r\n", then "END\r\n"; no
//                         binary keys; at most kCachedumpBytesMax
//   stats sizes           "STAT <size> <items>\r\n" for sizes rounded up to 32 bytes, then
//                         "END\r\n"; the one that has to gather first: a few bytes for each size
//
// Under the store's lock items are only copied (walk_piece.h); lines are made of them after it. A
// client that hardly reads loses its connection, and so the place of its listing: the session sees
// to that.
//
// What is listed is what Store::walk sees (walk.h): an item that stays where it is exactly once.
// Source: protocol.txt, "LRU_Crawler"; memcached's doc for mgdump, which 1.6.18 does not have.
//
// Threads: a dump belongs to one worker; DumpControl to the node, any thread.
#pragma once

#include <atomic>
#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

#include "net/write_buffer.h"
#include "store/slab.h"
#include "store/store.h"
#include "store/walk_piece.h"

namespace ringcache::store {

// Listings of one node that may be under way at once; more are refused.
inline constexpr unsigned kDumpsMax = 4;
// A client that has something of its listing to read takes so many bytes of it in so long, or its
// connection is closed: the places are few. 4 KiB/s.
inline constexpr std::chrono::seconds kDumpPacePeriod{30};
inline constexpr std::uint64_t kDumpPaceBytes = 120 * 1024;
// The answer to `stats cachedump` stops here, as memcached's.
inline constexpr std::size_t kCachedumpBytesMax = 2 * kMiB;
// Chunks looked at in one piece, under the store's lock: some ten microseconds.
inline constexpr std::size_t kDumpPieceChunks = WalkPiece::kItemsMax;

// What the listings of one node share.
class DumpControl {
 public:
  // False: kDumpsMax are under way; counted as refused.
  [[nodiscard]] bool take();
  void give() { running_.fetch_sub(1, std::memory_order_relaxed); }

  // Whether `stats sizes` is given (`stats sizes_enable|sizes_disable`).
  bool sizes_enabled() const { return sizes_enabled_.load(std::memory_order_relaxed); }
  void set_sizes_enabled(bool on) { sizes_enabled_.store(on, std::memory_order_relaxed); }

  unsigned running() const { return running_.load(std::memory_order_relaxed); }
  std::uint64_t started() const { return started_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> sizes_enabled_{true};
  std::atomic<unsigned> running_{0};
  std::atomic<std::uint64_t> started_{0};
  std::atomic<std::uint64_t> refused_{0};
};

// A listing that is under way, of whatever: it has one of the kDumpsMax places.
class Dump {
 public:
  // Takes over what control.take() took.
  explicit Dump(DumpControl& control) : control_(control) {}
  virtual ~Dump() { control_.give(); }
  Dump(const Dump&) = delete;
  Dump& operator=(const Dump&) = delete;

  // The next piece. True: it was the last one. Takes locks, each for microseconds.
  virtual bool write_piece(const Store& store, Seconds now, net::WriteBuffer& out) = 0;

 private:
  DumpControl& control_;
};

// By class numbers as in `stats slabs`, from 1.
using ClassSet = std::bitset<kClassesMax + 1>;

struct DumpOrder {
  enum class Format : std::uint8_t { kMetadump, kMgdump, kCachedump, kSizes };
  Format format = Format::kMetadump;
  ClassSet classes;
  std::uint64_t items_max = 0;  // 0 = all
  bool shows_cas = true;        // without, each item says 0 (-C)
};

class ItemDump final : public Dump {
 public:
  // Takes over what control.take() took. `unix_offset` as for expiry_from_wire.
  ItemDump(const DumpOrder& order, DumpControl& control, std::int64_t unix_offset)
      : Dump(control), order_(order), unix_offset_(unix_offset) {}

  bool write_piece(const Store& store, Seconds now, net::WriteBuffer& out) override;

 private:
  bool is_listed(const ItemFacts& item) const;
  void write_item(const ItemFacts& item, net::WriteBuffer& out);
  char* write_metadump(char* to, const ItemFacts& item) const;
  char* write_cachedump(char* to, const ItemFacts& item) const;
  bool write_sizes(net::WriteBuffer& out);
  bool enough() const;

  const DumpOrder order_;
  const std::int64_t unix_offset_;
  WalkPosition at_;
  WalkPiece piece_;
  std::uint64_t items_ = 0;  // written
  std::size_t bytes_ = 0;    // written
  // Of kSizes: bytes -> items. Sizes above a page are few, as each of their items is that large.
  std::map<std::size_t, std::uint64_t> sizes_;
};

}  // namespace ringcache::store
