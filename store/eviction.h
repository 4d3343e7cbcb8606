// Who has to leave: the eviction policy of one slab class.
//
// A policy is told what enters and leaves its class and names victims. Hits do not call it:
// readers, who hold no lock, mark the item (record_hit), and the policy looks at the marks when the
// item comes up. Everything but record_hit runs under the arena's lock.
//
// To add a policy: derive from EvictionPolicy, name it in EvictionKind and in eviction.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "store/access_clock.h"
#include "store/item.h"
#include "store/region.h"
#include "store/slab.h"
#include "store/store_options.h"

namespace ringcache::store {

// What `stats items` shows of a policy's work.
struct EvictionMoves {
  std::uint64_t to_cold = 0;
  std::uint64_t to_warm = 0;
  std::uint64_t within = 0;
};

// One list of a policy, for `stats items`. A policy without lists shows all as kCold's.
struct ListFigures {
  std::size_t items = 0;
  Seconds age = 0;  // since the last access of the item that would leave it next
};

class EvictionPolicy {
 public:
  // Numbers of the lists, as `stats items` names them.
  static constexpr std::size_t kHot = 0;
  static constexpr std::size_t kWarm = 1;
  static constexpr std::size_t kCold = 2;
  static constexpr std::size_t kTemporary = 3;

  virtual ~EvictionPolicy() = default;

  // The item has just been stored. Gives it its place.
  virtual void on_insert(Item& item) = 0;
  // The item was replaced, deleted, evicted or has expired.
  virtual void on_remove(Item& item) = 0;
  // The bytes of the item were copied to another chunk of the class.
  virtual void on_move(Item& from, Item& to) = 0;
  // The item that should leave next, still in its place; nullptr if there is none.
  virtual Item* victim(Seconds now) = 0;
  // The victim could not be taken (it is pinned): treat it as just read.
  virtual void refresh(Item& item, Seconds now) = 0;
  // Background work; at most `budget` items are moved. Returns how many were.
  virtual std::size_t maintain(Seconds now, std::size_t budget) = 0;

  virtual std::array<ListFigures, kListsMax> lists(Seconds now) const = 0;
  virtual EvictionMoves moves() const { return {}; }
  // Empty when the policy's own structure agrees with itself; for tests.
  virtual std::string_view check_integrity() const { return {}; }

  // A reader found the item: writes only what is not there yet, so that the line of an item that
  // everybody reads stays in every core's cache (the second and the tick of the last access change
  // now and then).
  static void record_hit(Item& item, const AccessClock& clock, Seconds now) {
    if (!item.state.has(kFetched)) {
      item.state.set_mark(kFetched);
    } else if (!item.state.has(kActive)) {
      item.state.set_mark(kActive);
    }
    item.set_last_access(now);
    clock.mark_read(item);
  }
};

// The policy's name on the command line (-o eviction=NAME); the reverse is empty for no such name.
std::string_view eviction_name(EvictionKind kind);
std::optional<EvictionKind> eviction_kind(std::string_view name);

// Bytes before each item that the policy wants for itself: Region's item_offset.
std::size_t eviction_link_bytes(EvictionKind kind);

// What policies work with; outlives them.
struct EvictionContext {
  const Region& region;
  const SlabAllocator& slabs;
  const AccessClock& clock;
  const StoreOptions& options;
};

// The policy that the options ask for, for one class.
std::unique_ptr<EvictionPolicy> make_eviction_policy(const EvictionContext& context,
                                                     ClassIndex slab_class);

}  // namespace ringcache::store
