#include "store/hit_density.h"

#include <algorithm>
#include <utility>

namespace ringcache::store {
namespace {

// Four turnovers of the memory. What was not used for so long will hardly be: from there on waste
// grows with the third power of the age, or small items of a time long gone would keep the room of
// large ones for as many turnovers as they are smaller.
constexpr double kStaleTicks = 4.0 * AccessClock::kTicksPerTurnover;

// What a chain's last chunk wastes is left out.
std::size_t chain_bytes(const Item& item) {
  return item.prefix_bytes() + item.key_bytes + item.value_bytes();
}

double waste_of(std::size_t bytes, std::uint32_t ticks, unsigned reads) {
  const double age = ticks + 0.5;
  const double waste = static_cast<double>(bytes) * age / (reads + 1);
  if (age <= kStaleTicks) return waste;
  const double stale = age / kStaleTicks;
  return waste * stale * stale;
}

}  // namespace

double waste_of(const Item& item, const EvictionContext& context, Seconds now) {
  const std::size_t bytes =
      item.chained() ? chain_bytes(item) : context.slabs.room(context.region.ref(&item));
  return waste_of(bytes, context.clock.age(item, now), AccessClock::reads(item));
}

HitDensity::HitDensity(const EvictionContext& context, ClassIndex slab_class)
    : context_(context),
      class_(slab_class),
      room_(context.slabs.slab_class(slab_class).chunk_bytes - context.region.item_offset()),
      random_(0x9E3779B97F4A7C15 * (slab_class + 1) ^ context.options.hash_seed) {}

void HitDensity::on_insert(Item& item) {
  item.state.set_place(place_of_list(kCold));
  ++items_;
}

void HitDensity::on_remove(Item&) {
  --items_;
}

void HitDensity::on_move(Item&, Item&) {}

// xorshift64*
std::uint64_t HitDensity::random() {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  if (random_ == 0) random_ = 1;
  return random_ * 0x2545F4914F6CDD1D;
}

ChunkRef HitDensity::draw() {
  const std::vector<PageIndex>& pages = context_.slabs.slab_class(class_).pages;
  const std::uint64_t bits = random();
  const PageIndex page = pages[((bits >> 32) * pages.size()) >> 32];
  const std::uint64_t fresh = context_.slabs.page(page).fresh;
  // Nothing was stored there yet, or what is freed there is lost to the class.
  if (fresh == 0 || context_.slabs.page(page).draining) return kNoChunk;
  const auto chunk = static_cast<std::uint32_t>(((bits & 0xFFFFFFFF) * fresh) >> 32);
  return context_.slabs.chunk(page, chunk);
}

Item* HitDensity::item_at(ChunkRef ref) const {
  Item* item = context_.region.item(ref);
  if (item->place() == Place::kContinuation) {
    item = context_.region.item(context_.region.continuation(ref)->head);
  }
  return item->linked() ? item : nullptr;
}

Item* HitDensity::item_of(const Candidate& candidate) const {
  if (candidate.ref == kNoChunk) return nullptr;
  return context_.slabs.is_chunk_of(class_, candidate.ref) ? item_at(candidate.ref) : nullptr;
}

// As waste_of, for an item of this class.
double HitDensity::waste(const Item& item, const AccessClock::Moment& moment) const {
  return waste_of(item.chained() ? chain_bytes(item) : room_, moment.age(item),
                  AccessClock::reads(item));
}

void HitDensity::consider(ChunkRef ref, const AccessClock::Moment& moment) {
  const Item* item = ref == kNoChunk ? nullptr : item_at(ref);
  if (item == nullptr) return;
  const Candidate candidate{ref, context_.region.ref(item), waste(*item, moment)};
  if (candidate.waste <= best_.back().waste) return;
  // An item has several chunks, and a chunk may be drawn twice.
  for (const Candidate& other : best_) {
    if (other.item == candidate.item) return;
  }
  insert(candidate);
}

// Before those that are not more wasteful, and the last of all goes. REQUIRES that the last is less
// wasteful than the candidate.
void HitDensity::insert(const Candidate& candidate) {
  std::size_t at = best_.size() - 1;
  for (; at > 0 && best_[at - 1].waste <= candidate.waste; --at) best_[at] = best_[at - 1];
  best_[at] = candidate;
}

Item* HitDensity::victim(Seconds now) {
  const SlabClass& slab_class = context_.slabs.slab_class(class_);
  if (slab_class.pages.empty()) return nullptr;
  std::array<ChunkRef, kDraws> drawn;
  for (ChunkRef& ref : drawn) {
    ref = draw();
    __builtin_prefetch(context_.region.item(ref));
  }
  const AccessClock::Moment moment = context_.clock.moment(now);
  for (const ChunkRef ref : drawn) consider(ref, moment);
  // One of an earlier draw may have been read or have gone since. Each is looked at once at most
  // before the one in front is as wasteful as it says.
  bool compared_again = false;
  for (std::size_t looks = 0; looks <= best_.size() && best_[0].ref != kNoChunk; ++looks) {
    Candidate first = best_[0];
    std::copy(best_.begin() + 1, best_.end(), best_.begin());
    best_.back() = {};
    if (Item* item = item_of(first)) {
      first.item = context_.region.ref(item);
      first.waste = waste(*item, moment);
      insert(first);
      if (best_[0].ref == first.ref) return item;
    }
    // What was drawn lost against a figure that is no longer true.
    if (std::exchange(compared_again, true)) continue;
    for (const ChunkRef ref : drawn) consider(ref, moment);
  }
  return search();
}

// Hardly anything in the class is linked: looks everywhere.
Item* HitDensity::search() const {
  for (const PageIndex page : context_.slabs.slab_class(class_).pages) {
    for (std::uint32_t chunk = 0; chunk < context_.slabs.page(page).fresh; ++chunk) {
      if (Item* item = item_at(context_.slabs.chunk(page, chunk))) return item;
    }
  }
  return nullptr;
}

void HitDensity::refresh(Item& item, Seconds) {
  context_.clock.mark_read(item);
}

std::size_t HitDensity::maintain(Seconds, std::size_t) {
  return 0;
}

// The age is an estimate, as all here: of those who are up next, and of some of one page.
std::array<ListFigures, kListsMax> HitDensity::lists(Seconds now) const {
  std::array<ListFigures, kListsMax> figures;
  figures[kCold].items = items_;
  Seconds& age = figures[kCold].age;
  const auto look_at = [&](const Item* item) {
    if (item != nullptr && now > item->last_access()) {
      age = std::max(age, now - item->last_access());
    }
  };
  for (const Candidate& candidate : best_) look_at(item_of(candidate));
  const SlabClass& slab_class = context_.slabs.slab_class(class_);
  if (slab_class.pages.empty()) return figures;
  const PageIndex page = slab_class.pages.front();
  const std::uint32_t fresh = context_.slabs.page(page).fresh;
  const std::uint32_t step = std::max(fresh / static_cast<std::uint32_t>(kDraws), 1U);
  for (std::uint32_t chunk = 0; chunk < fresh; chunk += step) {
    look_at(item_at(context_.slabs.chunk(page, chunk)));
  }
  return figures;
}

}  // namespace ringcache::store
