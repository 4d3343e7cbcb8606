// Figures: the sums of what threads, classes and memory know.
#include <algorithm>

#include "store/arena.h"

namespace ringcache::store {
namespace {

void add_counters(StoreCounters& sum, const ThreadCounters& thread) {
#define RINGCACHE_ADD(field, kind, stats_name, metric_name, help) sum.field += thread.field.get();
  RINGCACHE_STORE_THREAD_COUNTERS(RINGCACHE_ADD)
#undef RINGCACHE_ADD
}

void move_counters(ThreadState& to, const ThreadState& from) {
#define RINGCACHE_ADD(field, kind, stats_name, metric_name, help) \
  to.counters.field.add(from.counters.field.get());
  RINGCACHE_STORE_THREAD_COUNTERS(RINGCACHE_ADD)
#undef RINGCACHE_ADD
  for (std::size_t at = 0; at < kClassesMax; ++at) {
    for (std::size_t list = 0; list < kListsMax; ++list) {
      to.classes[at].hits[list].add(from.classes[at].hits[list].get());
    }
    to.classes[at].touch_hits.add(from.classes[at].touch_hits.get());
  }
}

void fill_items(ClassItemStats& out, const Arena::ClassState& state, Seconds now) {
  const auto lists = state.policy->lists(now);
  const EvictionMoves moves = state.policy->moves();
  out.number = state.items;
  out.number_hot = lists[EvictionPolicy::kHot].items;
  out.number_warm = lists[EvictionPolicy::kWarm].items;
  out.number_cold = lists[EvictionPolicy::kCold].items;
  out.number_temp = lists[EvictionPolicy::kTemporary].items;
  out.age_hot = lists[EvictionPolicy::kHot].age;
  out.age_warm = lists[EvictionPolicy::kWarm].age;
  out.age = lists[EvictionPolicy::kCold].age;
  out.mem_requested = state.bytes;
  out.evicted = state.evicted;
  out.evicted_nonzero = state.evicted_nonzero;
  out.evicted_time = state.evicted_time;
  out.outofmemory = state.out_of_memory;
  out.reclaimed = state.reclaimed;
  out.expired_unfetched = state.expired_unfetched;
  out.evicted_unfetched = state.evicted_unfetched;
  out.evicted_active = state.evicted_active;
  out.crawler_reclaimed = state.crawler_reclaimed;
  out.crawler_items_checked = state.crawler_checked;
  out.moves_to_cold = moves.to_cold;
  out.moves_to_warm = moves.to_warm;
  out.moves_within_lru = moves.within;
  out.direct_reclaims = state.evicted + state.reclaimed;
}

void fill_slabs(ClassSlabStats& out, const Arena::ClassState& state, const SlabClass& slab_class) {
  out.chunk_size = slab_class.chunk_bytes;
  out.chunks_per_page = slab_class.chunks_per_page;
  out.total_pages = slab_class.pages.size();
  out.total_chunks = slab_class.chunks();
  out.used_chunks = slab_class.used;
  out.free_chunks = out.total_chunks - out.used_chunks;
  out.cmd_set = state.cmd_set;
  out.delete_hits = state.delete_hits;
  out.incr_hits = state.incr_hits;
  out.decr_hits = state.decr_hits;
  out.cas_hits = state.cas_hits;
  out.cas_badval = state.cas_badval;
}

void add_hits(ClassStats& out, const ThreadClassCounters& hits) {
  out.items.hits_to_hot += hits.hits[EvictionPolicy::kHot].get();
  out.items.hits_to_warm += hits.hits[EvictionPolicy::kWarm].get();
  out.items.hits_to_cold += hits.hits[EvictionPolicy::kCold].get();
  out.items.hits_to_temp += hits.hits[EvictionPolicy::kTemporary].get();
  for (const Count& count : hits.hits) out.slabs.get_hits += count.get();
  out.slabs.touch_hits += hits.touch_hits.get();
}

void add_class_to_totals(StoreTotals& totals, const Arena::ClassState& state,
                         const ClassItemStats& items) {
  totals.evictions += items.evicted;
  totals.reclaimed += items.reclaimed;
  totals.expired += state.expired;
  totals.expired_unfetched += items.expired_unfetched;
  totals.evicted_unfetched += items.evicted_unfetched;
  totals.evicted_active += items.evicted_active;
  totals.crawler_reclaimed += items.crawler_reclaimed;
  totals.crawler_items_checked += items.crawler_items_checked;
  totals.moves_to_cold += items.moves_to_cold;
  totals.moves_to_warm += items.moves_to_warm;
  totals.moves_within_lru += items.moves_within_lru;
}

}  // namespace

void Arena::remove_thread(ThreadState* thread) {
  const ArenaLock lock(*this);
  reclaimer_.remove_thread(&thread->epoch);
  move_counters(departed_, *thread);
  std::erase_if(threads_, [&](const auto& owned) { return owned.get() == thread; });
}

// Every class, with or without pages, so that a difference can be taken; Store::stats drops the
// rest.
StoreStats Arena::raw_stats(Seconds now) const {
  StoreStats stats;
  const ArenaLock lock(*this);
  std::vector<const ThreadState*> threads{&departed_};
  for (const auto& thread : threads_) threads.push_back(thread.get());
  for (const ThreadState* thread : threads) add_counters(stats.counters, thread->counters);

  StoreTotals& totals = stats.totals;
  stats.classes.reserve(classes_.size());
  for (std::size_t at = 0; at < classes_.size(); ++at) {
    const auto index = static_cast<ClassIndex>(at);
    ClassStats& out = stats.classes.emplace_back();
    out.number = static_cast<unsigned>(at + 1);
    fill_items(out.items, classes_[at], now);
    fill_slabs(out.slabs, classes_[at], slabs_.slab_class(index));
    out.slabs.free_chunks_end = slabs_.never_used(index);
    for (const ThreadState* thread : threads) add_hits(out, thread->classes[at]);
    add_class_to_totals(totals, classes_[at], out.items);
  }
  totals.bytes = bytes_;
  totals.curr_items = items_;
  totals.total_items = total_items_;
  totals.limit_maxbytes = memory_limit_ / options_.page_bytes * options_.page_bytes;
  totals.slab_global_page_pool = slabs_.pool_pages();
  totals.total_malloced = std::uint64_t{slabs_.used_pages()} * slabs_.page_bytes();
  totals.slabs_moved = pages_moved_;
  totals.items_moved = items_moved_;
  totals.hash_bytes = table_.bytes();
  totals.ready_bytes = slabs_.ready_bytes() + table_.held_bytes() - table_.bytes();
  totals.hash_buckets = table_.bucket_count();
  totals.thread_bytes = threads_.size() * sizeof(ThreadState) + reclaimer_.bytes();
  totals.limbo_chunks = reclaimer_.chunks();
  totals.direct_reclaims = direct_reclaims_;
  totals.reader_waits = reclaimer_.waits();
  return stats;
}

}  // namespace ringcache::store
