// The memory of an item, drawn and pinned.
//
// An item is one chunk, or a chain: a head chunk (header, key, start of the value) and continuation
// chunks with the rest. Chunks are named by ChunkRef, a position inside the region, never by an
// address, so a region can be mapped elsewhere.
//
//   byte 0        8        12       16            20        22    23     24
//   +--------+--------+--------+-------------+---------+-----+-------+
//   | cas    | expiry | access | size        | recency | key | state |
//   |        |        |        |             |         | len |       |
//   +--------+--------+--------+-------------+---------+-----+-------+
//                      |        |             |               |
//                      |        |             |               place 3 bits, marks 5 bits
//                      |        |             tick of the last access 12 bits, reads 4 bits
//                      |        value bytes 30 bits, kLarge, kClientFlags
//                      second of the last access 28 bits, flush generation 4 bits
//   +---------------------------------+ only with kLarge
//   | pins | chain   | head_value     |
//   |      |         | bytes          | 12 bytes
//   +---------------------------------+
//   +--------------+ only with kClientFlags (client flags are not 0)
//   | client_flags | 4 bytes
//   +--------------+------------------+
//   | key | value (or its start)      | no NUL, no CRLF: the writer adds its own line end
//   +-----+---------------------------+
//
//   continuation chunk
//   +------+------+-------+---------------+-------+
//   | next | head | bytes | unused        | state | 24 bytes, then the value
//   +------+------+-------+---------------+-------+
//
// A policy that keeps its items on lists has 8 bytes of links before each header (Region says where
// in its chunk an item begins); others have none.
//
// Who may touch what. `size`, `key_bytes`, key, value and client flags never change from the moment
// an item is linked until its chunk is reused, which is after every thread that could have seen it
// has ended its batch: readers use no lock. `cas`, `expiry`, `access`, `recency`, `state`, `pins`
// are atomic; so are the references of a chain, because a continuation may move to another chunk,
// which holds the same bytes. The generation and the place are changed by the holder of the arena
// lock alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "store/expiry.h"

namespace ringcache::store {

// 1 + (offset of a chunk in the region >> the region's shift); 0 is no chunk.
using ChunkRef = std::uint32_t;
inline constexpr ChunkRef kNoChunk = 0;
// Not in references: what the hash table marks its ghosts with.
inline constexpr ChunkRef kGhostBit = ChunkRef{1} << 31;

// What a chunk is. A chunk is exactly one of these, and a linked item of a policy with lists is on
// exactly one of them.
enum class Place : std::uint8_t {
  kFree = 0,      // on its page's free list
  kReserved,      // owned by a Reservation or by a call in progress; in no table, on no list
  kContinuation,  // part of the chain whose head it names
  kLimbo,         // unlinked, waiting until every reader has passed and every ItemRef is gone
  kList0,         // linked, on list 0 to 3 of its class's policy
  kList1,
  kList2,
  kList3,
};
inline constexpr std::size_t kListsMax = 4;
constexpr bool is_linked(Place place) {
  return place >= Place::kList0;
}
constexpr std::size_t list_of(Place place) {
  return static_cast<std::size_t>(place) - static_cast<std::size_t>(Place::kList0);
}
constexpr Place place_of_list(std::size_t list) {
  return static_cast<Place>(static_cast<std::size_t>(Place::kList0) + list);
}

// The marks of an item; they share a byte with its place.
inline constexpr std::uint8_t kFetched = 8;      // read at least once since it was stored
inline constexpr std::uint8_t kActive = 16;      // read again since the policy last looked
inline constexpr std::uint8_t kStale = 32;       // invalidated (md I, ms I): meta flag X
inline constexpr std::uint8_t kTokenSent = 64;   // somebody was told to recache it: meta flag Z
inline constexpr std::uint8_t kBinaryKey = 128;  // the key came base64-encoded (meta flag b)
inline constexpr std::uint8_t kPlaceMask = 7;
inline constexpr std::uint8_t kMarksMask = 0xF8;

// In Item::size_, beside the bytes of the value.
inline constexpr std::uint32_t kLarge = std::uint32_t{1} << 31;  // has pins and perhaps a chain
inline constexpr std::uint32_t kClientFlags = std::uint32_t{1} << 30;
inline constexpr std::uint32_t kValueBytesMask = kClientFlags - 1;

inline constexpr unsigned kGenerations = 16;
inline constexpr unsigned kGenerationShift = 28;
inline constexpr std::uint32_t kAccessMask = (std::uint32_t{1} << kGenerationShift) - 1;

struct LargeExtension {
  std::atomic<std::uint32_t> pins;  // ItemRefs alive
  std::atomic<ChunkRef> chain;      // first continuation chunk, or kNoChunk
  std::uint32_t head_value_bytes;   // value bytes in the head chunk
};

// What Item and Continuation have at the same place, so that a page can be walked.
class ChunkState {
 public:
  Place place() const { return static_cast<Place>(load() & kPlaceMask); }
  bool has(std::uint8_t mark) const { return (load() & mark) != 0; }
  std::uint8_t marks() const { return load() & kMarksMask; }

  void set_mark(std::uint8_t mark) { bits_.fetch_or(mark, std::memory_order_relaxed); }
  void clear_mark(std::uint8_t mark) {
    bits_.fetch_and(static_cast<std::uint8_t>(~mark), std::memory_order_relaxed);
  }
  // Under the lock. Marks that readers set meanwhile stay.
  void set_place(Place place) {
    const auto change = static_cast<std::uint8_t>((load() & kPlaceMask) ^ std::uint8_t(place));
    if (change != 0) bits_.fetch_xor(change, std::memory_order_relaxed);
  }
  // Of a chunk that nobody else sees.
  void reset(Place place, std::uint8_t marks) {
    bits_.store(static_cast<std::uint8_t>(static_cast<std::uint8_t>(place) | marks),
                std::memory_order_relaxed);
  }

 private:
  std::uint8_t load() const { return bits_.load(std::memory_order_relaxed); }

  std::atomic<std::uint8_t> bits_;
};

struct Item {
  std::atomic<std::uint64_t> cas;
  std::atomic<Seconds> expiry;
  std::atomic<std::uint32_t> access;
  std::uint32_t size;
  std::atomic<std::uint16_t> recency;  // access_clock.h
  std::uint8_t key_bytes;
  ChunkState state;

  static constexpr std::size_t header_bytes(bool large, bool client_flags);

  Place place() const { return state.place(); }
  bool linked() const { return is_linked(place()); }
  std::uint32_t value_bytes() const { return size & kValueBytesMask; }
  bool large() const { return (size & kLarge) != 0; }
  bool has_client_flags() const { return (size & kClientFlags) != 0; }
  bool key_is_binary() const { return state.has(kBinaryKey); }

  // Seconds on the store's clock; after 8.5 years of one process it stands still.
  Seconds last_access() const { return access.load(std::memory_order_relaxed) & kAccessMask; }
  // Writes only what is new.
  void set_last_access(Seconds now) {
    const std::uint32_t before = access.load(std::memory_order_relaxed);
    const std::uint32_t after = (before & ~kAccessMask) | clamp_access(now);
    if (after != before) access.store(after, std::memory_order_relaxed);
  }
  unsigned generation() const { return access.load(std::memory_order_relaxed) >> kGenerationShift; }
  void set_generation(unsigned generation, Seconds now) {
    access.store(generation << kGenerationShift | clamp_access(now), std::memory_order_relaxed);
  }

  LargeExtension& extension() { return *reinterpret_cast<LargeExtension*>(this + 1); }
  const LargeExtension& extension() const {
    return *reinterpret_cast<const LargeExtension*>(this + 1);
  }
  // The first continuation, or kNoChunk.
  ChunkRef chain() const {
    return large() ? extension().chain.load(std::memory_order_acquire) : kNoChunk;
  }
  bool chained() const { return chain() != kNoChunk; }
  std::size_t prefix_bytes() const { return header_bytes(large(), has_client_flags()); }
  std::string_view key() const { return {payload(), key_bytes}; }
  std::uint32_t client_flags() const {
    if (!has_client_flags()) return 0;
    std::uint32_t flags;
    std::memcpy(&flags, payload() - sizeof flags, sizeof flags);
    return flags;
  }
  std::uint32_t head_value_bytes() const {
    return large() ? extension().head_value_bytes : value_bytes();
  }
  std::string_view head_value() const { return {payload() + key_bytes, head_value_bytes()}; }
  char* payload() { return reinterpret_cast<char*>(this) + prefix_bytes(); }
  const char* payload() const { return reinterpret_cast<const char*>(this) + prefix_bytes(); }

 private:
  static std::uint32_t clamp_access(Seconds now) { return now < kAccessMask ? now : kAccessMask; }
};

constexpr std::size_t Item::header_bytes(bool large, bool client_flags) {
  return sizeof(Item) + (large ? sizeof(LargeExtension) : 0) +
         (client_flags ? sizeof(std::uint32_t) : 0);
}

// The next chunk of a list of free ones, in the first bytes of each.
inline ChunkRef free_link(const void* chunk) {
  ChunkRef next;
  std::memcpy(&next, chunk, sizeof next);
  return next;
}
inline void set_free_link(void* chunk, ChunkRef next) {
  std::memcpy(chunk, &next, sizeof next);
}

// The rest of a chained value.
struct Continuation {
  std::atomic<ChunkRef> next;  // kNoChunk at the end
  ChunkRef head;               // the item; under the lock
  std::uint32_t bytes;         // value bytes here
  std::uint8_t unused[11];
  ChunkState state;

  ChunkRef next_chunk() const { return next.load(std::memory_order_acquire); }
  char* value() { return reinterpret_cast<char*>(this + 1); }
  const char* value() const { return reinterpret_cast<const char*>(this + 1); }
};

static_assert(sizeof(Item) == 24 && alignof(Item) == 8);
static_assert(sizeof(LargeExtension) == 12);
static_assert(sizeof(Continuation) == 24);
static_assert(sizeof(ChunkState) == 1);
static_assert(offsetof(Item, state) == 23 && offsetof(Continuation, state) == 23);
static_assert(offsetof(Item, cas) == 0);
static_assert(static_cast<unsigned>(Place::kList3) == kPlaceMask);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace ringcache::store
