// The operands and results of the store's operations: plain values, one pair for each operation.
// Field comments give the meta protocol's flag where there is one. All times are on the store's
// clock (expiry.h); expiries are already converted by expiry_from_wire.
#pragma once

#include <cstdint>

#include "store/expiry.h"
#include "store/item_ref.h"

namespace ringcache::store {

// --- get ---------------------------------------------------------------------------------------

struct MetaGetOptions {
  bool no_bump = false;               // u: leave hit bits and last access alone
  bool touch = false;                 // T: of an item that is there
  Seconds touch_expiry = kNever;      //   its token
  bool vivify = false;                // N: on a miss create an empty item and win
  Seconds vivify_expiry = kNever;     //   its expiry: the token of N, or of T if that came later
  std::uint64_t vivify_cas = 0;       // E: cas of the created item; 0 = the next one
  bool vivify_key_is_binary = false;  // b
  bool recache = false;               // R: win if less than recache_below is left
  Seconds recache_below = 0;          //   its token, in seconds left
  bool recache_before_touch = false;  // R stood before T on the line: judge the old expiry
};

struct MetaGetResult {
  ItemView item;              // empty: a miss
  bool created = false;       // by N, just now
  bool won = false;           // W: the client is to recache it
  bool stale = false;         // X
  bool token_sent = false;    // Z: somebody won before
  bool was_fetched = false;   // h, as it was before this call
  Seconds last_access = 0;    // l is now - last_access, as it was before this call
  Seconds expiry_before = 0;  // as it was before T; of a created item: never, as it was before N
  bool no_memory = false;     // N wanted to create an item and could not
};

// --- store -------------------------------------------------------------------------------------

enum class StoreMode : std::uint8_t { kSet, kAdd, kReplace, kAppend, kPrepend };

struct StoreOperands {
  StoreMode mode = StoreMode::kSet;
  bool compare = false;           // cas command, ms C (with E mode `add` it is ignored)
  std::uint64_t compare_cas = 0;  //   its token. 0 matches nothing; append and prepend ignore it
  bool invalidate = false;        // ms I: an older cas stores, and marks the item stale
  std::uint64_t cas = 0;          // ms E: the item's new cas; 0 = the next one
  bool append_vivify = false;     // ms N: append and prepend store as set on a miss
};

struct ItemAttributes {
  std::uint32_t client_flags = 0;
  Seconds expiry = kNever;
  bool key_is_binary = false;
};

enum class StoreStatus : std::uint8_t {
  kStored,
  kNotStored,  // add of a present key, replace, append or prepend of an absent one
  kExists,     // compare: the cas differs
  kNotFound,   // compare: no such item
  kTooLarge,   // over item_bytes_max. An append whose sum is: memcached answers NOT_STORED there
  kNoMemory,   // nothing could be evicted
};

struct StoreResult {
  StoreStatus status = StoreStatus::kNoMemory;
  std::uint64_t cas = 0;  // of the stored item
};

// --- delete ------------------------------------------------------------------------------------

struct DeleteOperands {
  bool compare = false;            // C
  std::uint64_t compare_cas = 0;   //   its token
  bool invalidate = false;         // I: keep the item, mark it stale, give it a new cas
  bool touch = false;              // T: with I (or x) also set the expiry
  Seconds touch_expiry = kNever;   //   its token
  bool remove_value = false;       // x: leave an empty item, without (T) expiry
  std::uint32_t client_flags = 0;  // F: with x, its client flags
  std::uint64_t cas = 0;           // E: the new cas; 0 = with I the next one, with x alone the old
};

enum class DeleteStatus : std::uint8_t {
  kDeleted,  // or invalidated, or emptied
  kNotFound,
  kExists,    // compare: the cas differs
  kNoMemory,  // x could not make the empty item
};

struct DeleteResult {
  DeleteStatus status = DeleteStatus::kNotFound;
  unsigned slab_class = 0;  // of the item that is gone: the number in `stats slabs`; 0: none is
  std::uint32_t value_bytes = 0;
};

// --- arithmetic --------------------------------------------------------------------------------

struct ArithmeticOperands {
  bool decrement = false;          // MD; stops at 0. Increments wrap at 2^64
  std::uint64_t delta = 1;         // D
  bool compare = false;            // C
  std::uint64_t compare_cas = 0;   //   its token; 0 compares with nothing, as in memcached
  bool vivify = false;             // N: on a miss create it
  Seconds vivify_expiry = kNever;  //   its expiry: the token of N, or of T if that came later
  std::uint64_t initial = 0;       // J: value of a created item; delta is not applied to it
  bool touch = false;              // T: of an item that is there
  Seconds touch_expiry = kNever;   //   its token
  std::uint64_t cas = 0;           // E: the new cas; 0 = the next one
  bool key_is_binary = false;      // b, for a created item
};

enum class ArithmeticStatus : std::uint8_t { kOk, kNotFound, kExists, kNotNumeric, kNoMemory };

struct ArithmeticResult {
  ArithmeticStatus status = ArithmeticStatus::kNotFound;
  bool created = false;
  std::uint64_t value = 0;
  std::uint64_t cas = 0;
  Seconds expiry_before = kNever;  // as in MetaGetResult
};

// --- peek --------------------------------------------------------------------------------------

enum class PeekStatus : std::uint8_t { kAbsent, kFound, kFlushed, kExpired };

struct PeekResult {
  PeekStatus status = PeekStatus::kAbsent;
  unsigned slab_class = 0;  // of an item that is found: the number in `stats slabs`
  std::uint32_t value_bytes = 0;
  Seconds expiry = kNever;
};

// --- debug -------------------------------------------------------------------------------------

struct ItemDebug {  // me
  Seconds expiry;
  Seconds last_access;
  std::uint64_t cas;
  bool fetched;
  bool stale;
  bool token_sent;
  bool key_is_binary;
  std::uint32_t client_flags;
  std::uint32_t value_bytes;
  unsigned slab_class;     // the number in `stats slabs`
  std::size_t size_bytes;  // header, key and value, all chunks
  std::uint32_t pins;
};

}  // namespace ringcache::store
