// The memory of an item, drawn and pinned.
//
// An item is one chunk, or a chain: a head chunk (header, key, start of the value) and continuation
// chunks with the rest. Chunks are named by ChunkRef, a position inside the region, never by an
// address, so a region can be mapped elsewhere.
//
//   byte 0         4         8            12   13     14  15    16        24       28         32
//   +---------+---------+-------------+----+------+---+-----+---------+--------+-----------+
//   | prev    | next    | value_bytes |key |layout|hit|place| cas     | expiry |last_access|
//   | link    | link    |             |len |      |   |     |         |        |           |
//   +---------+---------+-------------+----+------+---+-----+---------+--------+-----------+
//   +---------------------------------+ only if layout has kLarge
//   | pins | chain   | head_value     |
//   |      | next    | bytes          | 12 bytes
//   +---------------------------------+
//   +--------------+ only if layout has kClientFlags (client flags are not 0)
//   | client_flags | 4 bytes
//   +--------------+------------------+
//   | key | value (or its start)      | no NUL, no CRLF: the writer adds its own line end
//   +-----+---------------------------+
//
//   continuation chunk
//   +---------+---------+-------------+------+------------+-------+
//   | next    | head    | bytes       |      | ...  place | value |  16 bytes, then the value
//   +---------+---------+-------------+------+------------+-------+
//
// Who may touch what. `key`, `value`, `client_flags`, `value_bytes`, `key_bytes`, `layout`, the
// chain and `head_value_bytes` never change from the moment an item is linked until its chunk is
// reused, which is after every thread that could have seen it has ended its batch: readers use no
// lock. `cas`, `expiry`, `last_access`, `hit`, `pins` are atomic. Links and `place` belong to the
// holder of the arena lock (`place` is atomic because readers count hits per list by it).
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

// What a chunk is. A chunk is exactly one of these, and a linked item is on exactly one list.
enum class Place : std::uint8_t {
  kFree = 0,      // on its page's free list
  kReserved,      // owned by a Reservation or by a call in progress; in no table, on no list
  kContinuation,  // part of the chain whose head it names
  kLimbo,         // unlinked, waiting until every reader has passed
  kPinned,        // as limbo, and passed, but an ItemRef still holds it
  kList0 = 8,     // linked, on list 0 to 3 of its class's policy
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

// Item::layout: fixed when the item is made. The four high bits are its flush generation.
inline constexpr std::uint8_t kLarge = 1;        // has pins and perhaps a chain
inline constexpr std::uint8_t kClientFlags = 2;  // has client flags
inline constexpr std::uint8_t kBinaryKey = 4;    // the key came base64-encoded (meta flag b)
inline constexpr unsigned kGenerationShift = 4;
inline constexpr unsigned kGenerations = 16;

// Item::hit: changes while linked.
inline constexpr std::uint8_t kFetched = 1;    // read at least once since it was stored
inline constexpr std::uint8_t kActive = 2;     // read again since the policy last looked
inline constexpr std::uint8_t kStale = 4;      // invalidated (md I, ms I): meta flag X
inline constexpr std::uint8_t kTokenSent = 8;  // somebody was told to recache it: meta flag Z

struct LargeExtension {
  std::atomic<std::uint32_t> pins;  // ItemRefs alive
  ChunkRef chain;                   // first continuation chunk, or kNoChunk
  std::uint32_t head_value_bytes;   // value bytes in the head chunk
};

struct Item {
  ChunkRef prev;  // towards the head of its list; in limbo: the epoch it waits for
  ChunkRef next;  // towards the tail; free or in limbo: the next such chunk
  std::uint32_t value_bytes;
  std::uint8_t key_bytes;
  std::uint8_t layout;
  std::atomic<std::uint8_t> hit;
  std::atomic<Place> place;
  std::atomic<std::uint64_t> cas;
  std::atomic<Seconds> expiry;
  std::atomic<Seconds> last_access;

  static constexpr std::size_t header_bytes(bool large, bool client_flags);

  bool large() const { return (layout & kLarge) != 0; }
  unsigned generation() const { return layout >> kGenerationShift; }
  LargeExtension& extension() { return *reinterpret_cast<LargeExtension*>(this + 1); }
  const LargeExtension& extension() const {
    return *reinterpret_cast<const LargeExtension*>(this + 1);
  }
  bool chained() const { return large() && extension().chain != kNoChunk; }
  std::size_t prefix_bytes() const { return header_bytes(large(), (layout & kClientFlags) != 0); }
  std::string_view key() const { return {payload(), key_bytes}; }
  std::uint32_t client_flags() const {
    if ((layout & kClientFlags) == 0) return 0;
    std::uint32_t flags;
    std::memcpy(&flags, payload() - sizeof flags, sizeof flags);
    return flags;
  }
  std::uint32_t head_value_bytes() const {
    return large() ? extension().head_value_bytes : value_bytes;
  }
  std::string_view head_value() const { return {payload() + key_bytes, head_value_bytes()}; }
  char* payload() { return reinterpret_cast<char*>(this) + prefix_bytes(); }
  const char* payload() const { return reinterpret_cast<const char*>(this) + prefix_bytes(); }
};

constexpr std::size_t Item::header_bytes(bool large, bool client_flags) {
  return sizeof(Item) + (large ? sizeof(LargeExtension) : 0) +
         (client_flags ? sizeof(std::uint32_t) : 0);
}

// The rest of a chained value. `place` stands where Item has it, so a page can be walked.
struct Continuation {
  ChunkRef next;        // kNoChunk at the end
  ChunkRef head;        // the item
  std::uint32_t bytes;  // value bytes here
  std::uint8_t unused[3];
  std::atomic<Place> place;

  char* value() { return reinterpret_cast<char*>(this + 1); }
  const char* value() const { return reinterpret_cast<const char*>(this + 1); }
};

static_assert(sizeof(Item) == 32 && alignof(Item) == 8);
static_assert(sizeof(LargeExtension) == 12);
static_assert(sizeof(Continuation) == 16);
static_assert(offsetof(Item, place) == 15 && offsetof(Continuation, place) == 15);
static_assert(offsetof(Item, cas) == 16);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<Place>::is_always_lock_free);

}  // namespace ringcache::store
