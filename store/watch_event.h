// What a watcher is told: the classes of events, one event, and its line.
//
//   ts=1700000000.000123 gid=7 type=item_get key=a%20b status=found clsid=2 cfd=19 size=3
//
// An event is a plain header and up to 255 bytes of text: the key, or the address of a client. It
// travels as these bytes through an EventRing and becomes a line only where it is read.
//
// Source: memcached 1.6.18, protocol.txt "Watchers"; names and order of the fields are what it
// sends. Deletions: as later versions send them. Functions of their arguments, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcache::store {

// A set of classes, one bit each.
using WatchClasses = std::uint8_t;
inline constexpr WatchClasses kWatchFetchers = 1;
inline constexpr WatchClasses kWatchMutations = 2;
inline constexpr WatchClasses kWatchEvictions = 4;
inline constexpr WatchClasses kWatchConnections = 8;
inline constexpr WatchClasses kWatchDeletions = 16;
inline constexpr std::size_t kWatchClassCount = 5;

// The class of that name, added to `classes`. Names that memcached takes and for which nothing can
// happen here (rawcmds, for which memcached has nothing either, sysevents, proxy...) add none.
// False: no such class.
bool add_watch_class(std::string_view name, WatchClasses& classes);

enum class WatchEventType : std::uint8_t {
  kItemGet,
  kItemStore,
  kEviction,
  kConnNew,
  kConnClose,
  kDeletion
};

enum class FetchOutcome : std::uint8_t { kNotFound, kFound, kFlushed, kExpired };
enum class StoreOutcome : std::uint8_t {
  kNotStored,
  kStored,
  kExists,
  kNotFound,
  kTooLarge,
  kNoMemory
};
enum class StoreVerb : std::uint8_t { kAdd, kSet, kReplace, kAppend, kPrepend, kCas };
enum class Transport : std::uint8_t { kLocal, kTcp };
enum class ConnectionEnd : std::uint8_t { kError, kNormal, kIdleTimeout, kShutdown };

struct WatchEvent {
  std::uint64_t gid = 0;     // of the node: orders the events of all its threads
  std::int64_t unix_us = 0;  // when
  std::int64_t ttl_s = 0;    // kEviction: -1 is never. kItemStore: 0 is never, else modulo 2^32
  std::int32_t fd = -1;      // of the client's connection
  std::uint32_t value_bytes = 0;
  std::uint32_t idle_s = 0;      // kEviction: since the last access
  std::uint16_t slab_class = 0;  // as in `stats slabs`; 0 = no item
  std::uint16_t port = 0;        // kConnNew, kConnClose
  WatchEventType type = WatchEventType::kItemGet;
  FetchOutcome fetch = FetchOutcome::kNotFound;     // kItemGet
  StoreOutcome outcome = StoreOutcome::kNotStored;  // kItemStore
  StoreVerb verb = StoreVerb::kSet;                 // kItemStore
  bool by_meta = false;                             // kDeletion: md and not delete
  bool fetched = false;                             // kEviction: it was read since it was stored
  Transport transport = Transport::kTcp;            // kConnNew, kConnClose
  ConnectionEnd end = ConnectionEnd::kNormal;       // kConnClose
};

// The one class that the event belongs to.
WatchClasses watch_class(WatchEventType type);

// The longest line, its newline included: a key of 250 bytes that are all encoded.
inline constexpr std::size_t kWatchLineBytesMax = 960;
// "skipped=<count>\n".
inline constexpr std::size_t kSkippedLineBytesMax = 32;

// Writes the line of the event and returns its end. REQUIRES room for kWatchLineBytesMax, and text
// of at most kWatchTextBytesMax.
char* write_watch_line(char* out, const WatchEvent& event, std::string_view text);
inline constexpr std::size_t kWatchTextBytesMax = 250;
char* write_skipped_line(char* out, std::uint64_t skipped);

// Letters, digits and "-._~" as they are, every other byte as %NN; returns the end. REQUIRES room
// for three times as many.
char* write_uri_encoded(char* out, std::string_view bytes);

}  // namespace ringcache::store
