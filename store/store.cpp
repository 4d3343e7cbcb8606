#include "store/store.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>
#include <stdexcept>

#include "store/arena.h"

namespace ringcache::store {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

StoreOptions resolve(StoreOptions options) {
  require(options.memory_bytes >= kMemoryBytesMin, "memory_bytes: at least 1 MiB");
  require(options.item_bytes_max >= 1024 && options.item_bytes_max <= kItemBytesMaxLimit,
          "item_bytes_max: 1 KiB to 1 GiB");
  if (options.page_bytes == 0) options.page_bytes = default_page_bytes(options.memory_bytes);
  require(std::has_single_bit(options.page_bytes) && options.page_bytes >= 16 * 1024 &&
              options.page_bytes <= kMiB,
          "page_bytes: a power of two from 16 KiB to 1 MiB");
  if (options.growth_factor == 0) {
    options.growth_factor = default_growth_factor(options.memory_bytes);
  }
  require(options.growth_factor >= 1.01 && options.growth_factor <= 4, "growth_factor: 1.01 to 4");
  require(options.chunk_bytes_min >= 48 && options.chunk_bytes_min <= 1024,
          "chunk_bytes_min: 48 to 1024");
  require(is_valid(options.lru), "lru: hot_percent and warm_percent together at most 80");
  require(options.threads_max >= 1 && options.threads_max <= 1024, "threads_max: 1 to 1024");
  options.memory_bytes = options.memory_bytes / options.page_bytes * options.page_bytes;
  options.memory_bytes_max = std::max(options.memory_bytes_max, options.memory_bytes);
  options.item_bytes_max = std::min(options.item_bytes_max, options.memory_bytes / 2);
  return options;
}

template <typename Struct, typename Table>
void subtract_counters(Struct& from, const Struct& baseline, const Table& table) {
  for (const auto& row : table) {
    if (row.kind == FigureKind::kCounter) from.*row.field -= baseline.*row.field;
  }
}

void drop_unused_classes(StoreStats& stats) {
  std::erase_if(stats.classes, [](const ClassStats& one) { return one.slabs.total_pages == 0; });
}

// Address space that may never be needed is not worth a refusal to start.
std::unique_ptr<Arena> make_arena(StoreOptions options) {
  try {
    return std::make_unique<Arena>(options);
  } catch (const std::bad_alloc&) {
    if (options.memory_bytes_max == options.memory_bytes) throw;
    options.memory_bytes_max = options.memory_bytes;
    return std::make_unique<Arena>(options);
  }
}

}  // namespace

Store::Store(const StoreOptions& options)
    : arena_(make_arena(resolve(options))), hash_seed_(options.hash_seed) {}

Store::~Store() = default;

const StoreOptions& Store::options() const {
  return arena_->options();
}

bool Store::prefer_huge_pages() {
  return arena_->prefer_huge_pages();
}

StoreThread Store::thread() {
  ThreadState* state = arena_->add_thread();
  if (state == nullptr) throw std::runtime_error("threads_max: as many threads use the store");
  return {arena_.get(), state};
}

MaintainResult Store::maintain(Seconds now) {
  return arena_->maintain(now);
}

SweepResult Store::sweep(Seconds now, std::size_t budget) {
  return arena_->sweep(now, budget);
}

PrepareStatus Store::prepare_memory() {
  return arena_->prepare_memory();
}

bool Store::set_memory_limit(std::size_t bytes, Seconds now) {
  return arena_->set_memory_limit(bytes, now);
}

std::size_t Store::memory_limit() const {
  return arena_->memory_limit();
}

std::size_t Store::item_bytes_max() const {
  return arena_->item_bytes_max();
}

ReassignStatus Store::reassign_page(std::optional<unsigned> from, unsigned to, Seconds now) {
  if (to < 1 || to > kClassesMax || (from && (*from < 1 || *from > kClassesMax))) {
    return ReassignStatus::kBadClass;
  }
  std::optional<ClassIndex> source;
  if (from) source = static_cast<ClassIndex>(*from - 1);
  return arena_->reassign_page(source, static_cast<ClassIndex>(to - 1), now);
}

void Store::set_automove(bool on) {
  arena_->set_automove(on);
}

bool Store::automove() const {
  return arena_->automove();
}

bool Store::tune_lru(const LruTuning& tuning) {
  return arena_->tune_lru(tuning);
}

LruTuning Store::lru_tuning() const {
  return arena_->lru_tuning();
}

StoreStats Store::stats(Seconds now) const {
  StoreStats stats;
  {
    // Read under the mutex too, or a reset in between would be ahead of what was read.
    const std::lock_guard lock(baseline_mutex_);
    stats = arena_->raw_stats(now);
    if (!baseline_.classes.empty()) {
      subtract_counters(stats.counters, baseline_.counters, kStoreCountersTable);
      subtract_counters(stats.totals, baseline_.totals, kStoreTotalsTable);
      for (std::size_t at = 0; at < stats.classes.size(); ++at) {
        subtract_counters(stats.classes[at].items, baseline_.classes[at].items, kClassItemsTable);
        subtract_counters(stats.classes[at].slabs, baseline_.classes[at].slabs, kClassSlabsTable);
      }
    }
  }
  drop_unused_classes(stats);
  return stats;
}

StoreStats Store::stats_since_start(Seconds now) const {
  StoreStats stats = arena_->raw_stats(now);
  drop_unused_classes(stats);
  return stats;
}

void Store::reset_stats() {
  const std::lock_guard lock(baseline_mutex_);
  baseline_ = arena_->raw_stats(kClockStart);
}

std::string Store::check_integrity() const {
  return arena_->check_integrity();
}

}  // namespace ringcache::store
