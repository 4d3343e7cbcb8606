// Arena::check_integrity: every rule that can be checked from outside, in one walk over pages, one
// over lists and one over the table.
#include <sstream>
#include <unordered_set>

#include "store/arena.h"

namespace ringcache::store {

class IntegrityCheck {
 public:
  explicit IntegrityCheck(const Arena& arena) : arena_(arena) {}

  std::string run() {
    arena_.reclaimer_.for_each_continuation([&](ChunkRef ref) { moved_away_.insert(ref); });
    check_pages();
    check_lists();
    check_table();
    check_sums();
    return out_.str();
  }

 private:
  // What a page's walk must find again.
  struct PageCount {
    std::uint32_t used = 0;
    std::uint32_t busy = 0;
    std::uint32_t free = 0;
  };

  template <typename... Parts>
  void require(bool holds, const Parts&... parts) {
    if (holds || out_.tellp() > 2000) return;
    (out_ << ... << parts) << '\n';
  }

  const Item& item(ChunkRef ref) const { return *arena_.region_.item(ref); }
  Place place(ChunkRef ref) const { return item(ref).place(); }

  void check_pages() {
    const SlabAllocator& slabs = arena_.slabs_;
    std::vector<std::uint32_t> pages_of(slabs.class_count());
    std::vector<std::size_t> used_of(slabs.class_count());
    PageIndex in_pool = 0;
    for (PageIndex at = 0; at < slabs.page_count(); ++at) {
      const Page& page = slabs.page(at);
      if (page.slab_class == kNoClass) {
        ++in_pool;
        continue;
      }
      ++pages_of[page.slab_class];
      used_of[page.slab_class] += page.used;
      check_page(at, page);
    }
    require(in_pool == slabs.pooled_pages() + slabs.parked_pages(), "pool has ",
            slabs.pooled_pages(), " pages, found ", in_pool);
    require(slabs.used_pages() + in_pool == slabs.page_count(), "pages in use");
    for (ClassIndex at = 0; at < slabs.class_count(); ++at) {
      require(pages_of[at] == slabs.slab_class(at).pages.size(), "class ", +at, ": page count");
      require(used_of[at] == slabs.slab_class(at).used, "class ", +at, ": used chunks");
      check_roomy(at);
    }
  }

  // Each page that is neither full nor draining is on its class's list once.
  void check_roomy(ClassIndex at) {
    const SlabAllocator& slabs = arena_.slabs_;
    const SlabClass& slab_class = slabs.slab_class(at);
    std::size_t roomy = 0;
    std::size_t shut = 0;
    for (const PageIndex index : slab_class.pages) {
      const Page& page = slabs.page(index);
      const bool full = page.free == kNoChunk && page.fresh == slab_class.chunks_per_page;
      if (!full && !page.draining) ++roomy;
      if (page.draining) shut += slab_class.chunks_per_page - page.used;
      require(page.heir == kNoClass || page.draining, "page ", index,
              ": an heir of a page that stays");
    }
    std::size_t listed = 0;
    PageIndex previous = kNoPage;
    for (PageIndex index = slab_class.roomy; index != kNoPage && listed <= roomy; ++listed) {
      const Page& page = slabs.page(index);
      require(page.slab_class == at && page.roomy_previous == previous, "page ", index, ": list");
      previous = index;
      index = page.roomy_next;
    }
    require(listed == roomy, "class ", +at, ": ", listed, " pages with room listed, ", roomy,
            " found");
    require(shut == slab_class.shut, "class ", +at, ": chunks of draining pages");
  }

  void check_page(PageIndex at, const Page& page) {
    PageCount count;
    for (std::uint32_t chunk = 0; chunk < page.fresh; ++chunk) {
      const ChunkRef ref = arena_.slabs_.chunk(at, chunk);
      check_chunk(ref, page, count);
    }
    std::uint32_t listed = 0;
    for (ChunkRef ref = page.free; ref != kNoChunk; ref = free_link(&item(ref))) {
      require(place(ref) == Place::kFree, "page ", at, ": a used chunk is on the free list");
      if (++listed > page.fresh) break;
    }
    require(listed == count.free, "page ", at, ": ", listed, " free listed, found ", count.free);
    require(count.used == page.used, "page ", at, ": used ", page.used, ", found ", count.used);
    require(count.busy == page.busy, "page ", at, ": busy ", page.busy, ", found ", count.busy);
    // A page that has just been given to a class by the balance is empty until the next store.
    require(page.used > 0 || page.fresh == 0, "page ", at, ": empty, and not in the pool");
  }

  void check_chunk(ChunkRef ref, const Page& page, PageCount& count) {
    const Place found = place(ref);
    if (found == Place::kFree) {
      ++count.free;
      return;
    }
    ++count.used;
    if (found == Place::kContinuation) {
      const ChunkRef head = arena_.region_.continuation(ref)->head;
      continuations_.insert(ref);
      if (place(head) == Place::kReserved) ++count.busy;
      require(place(head) != Place::kFree && place(head) != Place::kContinuation, "continuation ",
              ref, " has no head");
      return;
    }
    if (moved_away_.contains(ref)) {
      require(found == Place::kLimbo, "continuation ", ref, " moved, and is not in limbo");
      return;
    }
    heads_.push_back(ref);
    if (found == Place::kReserved) ++count.busy;
    if (!is_linked(found)) return;
    const Seconds expiry = item(ref).expiry.load();
    require(expiry == kNever || page.min_expiry <= expiry || arena_.swept_chunk_ != 0, "chunk ",
            ref, " expires before its page");
    linked_.insert(ref);
    bytes_ += arena_.item_bytes(item(ref));
    ++generations_[item(ref).generation()];
    const ClassIndex owner = arena_.slabs_.class_of(ref);
    ++items_of_[owner];
    bytes_of_[owner] += arena_.item_bytes(item(ref));
  }

  void check_lists() {
    for (std::size_t at = 0; at < arena_.classes_.size(); ++at) {
      const Arena::ClassState& state = arena_.classes_[at];
      require(state.bytes == bytes_of_[at], "class ", at, ": bytes");
      require(state.items == items_of_[at], "class ", at, ": items");
      std::size_t listed = 0;
      for (const ListFigures& list : state.policy->lists(0)) listed += list.items;
      require(listed == items_of_[at], "class ", at, ": ", listed, " items of its policy, ",
              items_of_[at], " in pages");
      const std::string_view wrong = state.policy->check_integrity();
      require(wrong.empty(), "class ", at, ": ", wrong);
    }
  }

  void check_table() {
    std::size_t entries = 0;
    arena_.table_.for_each([&](std::size_t bucket, std::uint32_t tag, ChunkRef ref) {
      ++entries;
      require(linked_.contains(ref), "the table names chunk ", ref, ", which is not linked");
      const std::uint64_t hash = hash_bytes(item(ref).key(), arena_.options_.hash_seed);
      require(HashTable::tag(hash) == tag, "item ", ref, ": tag");
      require(arena_.table_.entry_belongs(bucket, hash), "item ", ref, ": bucket");
      require(arena_.find({item(ref).key(), hash}) == &item(ref), "item ", ref, ": not found");
    });
    require(entries == linked_.size() && entries == arena_.table_.size(), entries, " entries, ",
            linked_.size(), " items");
  }

  void check_sums() {
    std::size_t chained = 0;
    for (const ChunkRef head : heads_) {
      if (!item(head).chained()) continue;
      std::size_t bytes = item(head).head_value_bytes();
      for (ChunkRef ref = item(head).chain(); ref != kNoChunk;) {
        const Continuation* chunk = arena_.region_.continuation(ref);
        require(chunk->head == head && continuations_.contains(ref), "item ", head, ": chain");
        bytes += chunk->bytes;
        ++chained;
        ref = chunk->next_chunk();
      }
      require(bytes == item(head).value_bytes(), "item ", head, ": value bytes");
    }
    require(chained == continuations_.size(), chained, " chunks in chains, ", continuations_.size(),
            " in pages");
    require(bytes_ == arena_.bytes_, "bytes: ", arena_.bytes_, ", found ", bytes_);
    require(linked_.size() == arena_.items_, "items: ", arena_.items_, ", found ", linked_.size());
    require(generations_ == arena_.items_by_generation_, "items by flush generation");
  }

  const Arena& arena_;
  std::ostringstream out_;
  std::unordered_set<ChunkRef> linked_;
  std::unordered_set<ChunkRef> continuations_;
  std::unordered_set<ChunkRef> moved_away_;
  std::vector<ChunkRef> heads_;
  std::array<std::size_t, kClassesMax> items_of_{};
  std::array<std::size_t, kClassesMax> bytes_of_{};
  std::size_t bytes_ = 0;
  std::array<std::size_t, kGenerations> generations_{};
};

std::string Arena::check_integrity() const {
  const ArenaLock lock(*this);
  return IntegrityCheck(*this).run();
}

}  // namespace ringcache::store
