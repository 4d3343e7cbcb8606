// Everything the store counts, one row each: the row makes the field, its name in `stats`, its
// exported metric name and its help text. Whoever prints or exports iterates the table.
//
//   X(field, kind, stats name, metric name, help)
//
// An empty metric name means that the figure is not exported. Values are 64-bit. A counter only
// grows, until Store::reset_stats; a gauge is the state of the moment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ringcache::store {

// Counted by each StoreThread for itself, without a shared cache line; summed when read.
#define RINGCACHE_STORE_THREAD_COUNTERS(X)                                                       \
  X(cmd_get, kCounter, "cmd_get", "", "Keys asked for by reading commands")                      \
  X(cmd_set, kCounter, "cmd_set", "", "Storing commands")                                        \
  X(cmd_flush, kCounter, "cmd_flush", "", "flush_all commands")                                  \
  X(cmd_touch, kCounter, "cmd_touch", "", "Keys whose expiry a command asked to change")         \
  X(get_hits, kCounter, "get_hits", "", "Keys asked for and found")                              \
  X(get_misses, kCounter, "get_misses", "", "Keys asked for and not found")                      \
  X(get_expired, kCounter, "get_expired", "", "Misses because the item had expired")             \
  X(get_flushed, kCounter, "get_flushed", "", "Misses because of flush_all")                     \
  X(delete_misses, kCounter, "delete_misses", "", "Deletions of keys that were not there")       \
  X(delete_hits, kCounter, "delete_hits", "", "Items deleted by clients")                        \
  X(incr_misses, kCounter, "incr_misses", "", "Increments of keys that were not there")          \
  X(incr_hits, kCounter, "incr_hits", "", "Increments done")                                     \
  X(decr_misses, kCounter, "decr_misses", "", "Decrements of keys that were not there")          \
  X(decr_hits, kCounter, "decr_hits", "", "Decrements done")                                     \
  X(cas_misses, kCounter, "cas_misses", "", "Compare-and-store on keys that were not there")     \
  X(cas_hits, kCounter, "cas_hits", "", "Compare-and-store done")                                \
  X(cas_badval, kCounter, "cas_badval", "",                                                      \
    "Compare-and-store refused because the item had changed")                                    \
  X(touch_hits, kCounter, "touch_hits", "", "Expiries changed")                                  \
  X(touch_misses, kCounter, "touch_misses", "", "Changes of expiry of keys that were not there") \
  X(store_too_large, kCounter, "store_too_large", "item_too_large_total",                        \
    "Items refused because they are larger than the item size limit")                            \
  X(store_no_memory, kCounter, "store_no_memory", "item_no_memory_total",                        \
    "Items refused because nothing could be evicted for them")

// Of the whole store.
#define RINGCACHE_STORE_TOTALS(X)                                                                \
  X(bytes, kGauge, "bytes", "current_bytes", "Bytes of items: header, key and value")            \
  X(curr_items, kGauge, "curr_items", "current_items", "Items in the store")                     \
  X(total_items, kCounter, "total_items", "items_total", "Items stored since the start")         \
  X(limit_maxbytes, kGauge, "limit_maxbytes", "limit_bytes", "Bytes of slab pages allowed")      \
  X(total_malloced, kGauge, "total_malloced", "malloced_bytes", "Bytes of slab pages in use")    \
  X(slab_global_page_pool, kGauge, "slab_global_page_pool", "", "Slab pages that no class has")  \
  X(slabs_moved, kCounter, "slabs_moved", "slab_pages_moved_total",                              \
    "Slab pages moved between classes")                                                          \
  X(items_moved, kCounter, "slab_reassign_rescues", "",                                          \
    "Items copied to another page because theirs moved")                                         \
  X(hash_bytes, kGauge, "hash_bytes", "hash_bytes", "Bytes of the hash table")                   \
  X(ready_bytes, kGauge, "memory_ready_bytes", "memory_ready_bytes",                             \
    "Bytes of items' memory and hash table made ready and not used yet")                         \
  X(hash_buckets, kGauge, "hash_buckets", "", "Buckets of the hash table")                       \
  X(thread_bytes, kGauge, "thread_bytes", "", "Bytes that the store keeps for its threads")      \
  X(limbo_chunks, kGauge, "limbo_chunks", "", "Chunks unlinked but perhaps still read")          \
  X(evictions, kCounter, "evictions", "items_evicted_total", "Live items removed to make room")  \
  X(reclaimed, kCounter, "reclaimed", "items_reclaimed_total",                                   \
    "Items stored in the room of expired ones")                                                  \
  X(expired, kCounter, "expired", "items_expired_total",                                         \
    "Expired items removed, by whatever found them")                                             \
  X(expired_unfetched, kCounter, "expired_unfetched", "",                                        \
    "Expired items removed that nobody ever read")                                               \
  X(evicted_unfetched, kCounter, "evicted_unfetched", "", "Items evicted that nobody ever read") \
  X(evicted_active, kCounter, "evicted_active", "", "Items evicted although read lately")        \
  X(crawler_reclaimed, kCounter, "crawler_reclaimed", "lru_crawler_reclaimed_total",             \
    "Expired items found by the background sweep")                                               \
  X(crawler_items_checked, kCounter, "crawler_items_checked", "lru_crawler_items_checked_total", \
    "Items looked at by the background sweep")                                                   \
  X(moves_to_cold, kCounter, "moves_to_cold", "", "Items moved to a cold list")                  \
  X(moves_to_warm, kCounter, "moves_to_warm", "", "Items moved to a warm list")                  \
  X(moves_within_lru, kCounter, "moves_within_lru", "",                                          \
    "Items moved to the head of their own list")                                                 \
  X(direct_reclaims, kCounter, "direct_reclaims", "",                                            \
    "Evictions in the path of a storing command")                                                \
  X(reader_waits, kCounter, "reader_waits", "",                                                  \
    "Times a store waited for readers to end their batch")

// Of one slab class, as `stats items` prints it.
#define RINGCACHE_STORE_CLASS_ITEMS(X)                                                            \
  X(number, kGauge, "number", "current_items", "Items")                                           \
  X(number_hot, kGauge, "number_hot", "", "Items on the hot list")                                \
  X(number_warm, kGauge, "number_warm", "", "Items on the warm list")                             \
  X(number_cold, kGauge, "number_cold", "", "Items on the cold list")                             \
  X(number_temp, kGauge, "number_temp", "", "Items on the temporary list")                        \
  X(age_hot, kGauge, "age_hot", "", "Seconds since the last access of the hot list's tail")       \
  X(age_warm, kGauge, "age_warm", "", "Seconds since the last access of the warm list's tail")    \
  X(age, kGauge, "age", "items_age_seconds",                                                      \
    "Seconds since the last access of the cold list's tail")                                      \
  X(mem_requested, kGauge, "mem_requested", "mem_requested_bytes", "Bytes of the items")          \
  X(evicted, kCounter, "evicted", "items_evicted_total", "Live items removed to make room")       \
  X(evicted_nonzero, kCounter, "evicted_nonzero", "", "Of those, items with an expiry")           \
  X(evicted_time, kGauge, "evicted_time", "",                                                     \
    "Seconds since the last access of the last evicted item")                                     \
  X(outofmemory, kCounter, "outofmemory", "", "Items refused because nothing could be evicted")   \
  X(tailrepairs, kCounter, "tailrepairs", "", "Always 0: no reference can get stuck")             \
  X(reclaimed, kCounter, "reclaimed", "", "Items stored in the room of expired ones")             \
  X(expired_unfetched, kCounter, "expired_unfetched", "", "Expired items that nobody ever read")  \
  X(evicted_unfetched, kCounter, "evicted_unfetched", "", "Evicted items that nobody ever read")  \
  X(evicted_active, kCounter, "evicted_active", "", "Items evicted although read lately")         \
  X(crawler_reclaimed, kCounter, "crawler_reclaimed", "",                                         \
    "Expired items found by the background sweep")                                                \
  X(crawler_items_checked, kCounter, "crawler_items_checked", "", "Items looked at by the sweep") \
  X(lrutail_reflocked, kCounter, "lrutail_reflocked", "",                                         \
    "Always 0: a read does not lock an item")                                                     \
  X(moves_to_cold, kCounter, "moves_to_cold", "", "Items moved to the cold list")                 \
  X(moves_to_warm, kCounter, "moves_to_warm", "", "Items moved to the warm list")                 \
  X(moves_within_lru, kCounter, "moves_within_lru", "",                                           \
    "Items moved to the head of their own list")                                                  \
  X(direct_reclaims, kCounter, "direct_reclaims", "",                                             \
    "Evictions in the path of a storing command")                                                 \
  X(hits_to_hot, kCounter, "hits_to_hot", "", "Hits on items of the hot list")                    \
  X(hits_to_warm, kCounter, "hits_to_warm", "", "Hits on items of the warm list")                 \
  X(hits_to_cold, kCounter, "hits_to_cold", "", "Hits on items of the cold list")                 \
  X(hits_to_temp, kCounter, "hits_to_temp", "", "Hits on items of the temporary list")

// Of one slab class, as `stats slabs` prints it.
#define RINGCACHE_STORE_CLASS_SLABS(X)                                                         \
  X(chunk_size, kGauge, "chunk_size", "chunk_size_bytes", "Bytes of a chunk")                  \
  X(chunks_per_page, kGauge, "chunks_per_page", "", "Chunks of a page")                        \
  X(total_pages, kGauge, "total_pages", "current_pages", "Pages of the class")                 \
  X(total_chunks, kGauge, "total_chunks", "", "Chunks of the class")                           \
  X(used_chunks, kGauge, "used_chunks", "chunks_used",                                         \
    "Chunks with items, or waiting for readers")                                               \
  X(free_chunks, kGauge, "free_chunks", "chunks_free", "Chunks ready for use")                 \
  X(free_chunks_end, kGauge, "free_chunks_end", "",                                            \
    "Of those, chunks never used since their page came")                                       \
  X(get_hits, kCounter, "get_hits", "", "Reads that found an item of the class")               \
  X(cmd_set, kCounter, "cmd_set", "", "Items stored in the class")                             \
  X(delete_hits, kCounter, "delete_hits", "", "Items of the class deleted by clients")         \
  X(incr_hits, kCounter, "incr_hits", "", "Increments of items of the class")                  \
  X(decr_hits, kCounter, "decr_hits", "", "Decrements of items of the class")                  \
  X(cas_hits, kCounter, "cas_hits", "", "Compare-and-store done on items of the class")        \
  X(cas_badval, kCounter, "cas_badval", "", "Compare-and-store refused on items of the class") \
  X(touch_hits, kCounter, "touch_hits", "", "Expiries changed of items of the class")

#define RINGCACHE_FIELD(field, kind, stats_name, metric_name, help) std::uint64_t field = 0;

struct StoreCounters {
  RINGCACHE_STORE_THREAD_COUNTERS(RINGCACHE_FIELD)
};
struct StoreTotals {
  RINGCACHE_STORE_TOTALS(RINGCACHE_FIELD)
};
struct ClassItemStats {
  RINGCACHE_STORE_CLASS_ITEMS(RINGCACHE_FIELD)
};
struct ClassSlabStats {
  RINGCACHE_STORE_CLASS_SLABS(RINGCACHE_FIELD)
};

#undef RINGCACHE_FIELD

// One class that has, or had, pages. `number` counts from 1, as in `stats`.
struct ClassStats {
  unsigned number = 0;
  ClassItemStats items;
  ClassSlabStats slabs;
};

struct StoreStats {
  StoreCounters counters;
  StoreTotals totals;
  std::vector<ClassStats> classes;  // in order of chunk size, classes without pages left out
};

enum class FigureKind : std::uint8_t { kCounter, kGauge };

// A row of a table, to iterate over: for (const auto& row : kStoreTotalsTable) use(row.name,
// totals.*row.field).
template <typename Struct>
struct StatsRow {
  std::uint64_t Struct::*field;
  FigureKind kind;
  std::string_view name;         // in `stats`
  std::string_view metric_name;  // without prefix; empty: not exported
  std::string_view help;
};

#define RINGCACHE_COUNTERS_ROW(field, kind, name, metric, help) \
  StatsRow<StoreCounters>{&StoreCounters::field, FigureKind::kind, name, metric, help},
#define RINGCACHE_TOTALS_ROW(field, kind, name, metric, help) \
  StatsRow<StoreTotals>{&StoreTotals::field, FigureKind::kind, name, metric, help},
#define RINGCACHE_ITEMS_ROW(field, kind, name, metric, help) \
  StatsRow<ClassItemStats>{&ClassItemStats::field, FigureKind::kind, name, metric, help},
#define RINGCACHE_SLABS_ROW(field, kind, name, metric, help) \
  StatsRow<ClassSlabStats>{&ClassSlabStats::field, FigureKind::kind, name, metric, help},

inline constexpr std::array kStoreCountersTable{
    RINGCACHE_STORE_THREAD_COUNTERS(RINGCACHE_COUNTERS_ROW)};
inline constexpr std::array kStoreTotalsTable{RINGCACHE_STORE_TOTALS(RINGCACHE_TOTALS_ROW)};
inline constexpr std::array kClassItemsTable{RINGCACHE_STORE_CLASS_ITEMS(RINGCACHE_ITEMS_ROW)};
inline constexpr std::array kClassSlabsTable{RINGCACHE_STORE_CLASS_SLABS(RINGCACHE_SLABS_ROW)};

#undef RINGCACHE_COUNTERS_ROW
#undef RINGCACHE_TOTALS_ROW
#undef RINGCACHE_ITEMS_ROW
#undef RINGCACHE_SLABS_ROW

}  // namespace ringcache::store
