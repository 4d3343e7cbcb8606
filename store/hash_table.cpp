#include "store/hash_table.h"

#include <algorithm>

namespace ringcache::store {

class HashTable::Moving {
 public:
  explicit Moving(Bucket& first) : first_(first) { bump(); }
  ~Moving() { bump(); }
  Moving(const Moving&) = delete;
  Moving& operator=(const Moving&) = delete;

 private:
  // Only the holder of the lock writes the word, so a load and a store will do.
  void bump() {
    const std::uint64_t control = first_.control.load(std::memory_order_relaxed);
    first_.control.store(control + (std::uint64_t{1} << 32), std::memory_order_release);
  }
  Bucket& first_;
};

// Room in the address space, not memory. A chain needs an overflow bucket for each 7 entries past
// its first 7, so at most one for every 7 entries, and twice as many while a chain is split.
HashTable::HashTable(std::size_t entries_max, GrowthCount* growth)
    : bucket_memory_((entries_max * 2 / kLoadMaxOfTwo + kBucketsMin + 2) * sizeof(Bucket)),
      overflow_memory_((entries_max / kEntries * 2 + 2) * sizeof(Bucket)),
      buckets_(reinterpret_cast<Bucket*>(bucket_memory_.data())),
      overflows_(reinterpret_cast<Bucket*>(overflow_memory_.data())),
      prepared_(growth) {}

void HashTable::insert(std::uint64_t hash, ChunkRef ref) {
  add_to_chain(bucket(index(hash, bucket_count())), entry(hash, ref));
  ++size_;
  if (size_ * 2 > bucket_count() * kLoadMaxOfTwo) split();
}

void HashTable::replace(std::uint64_t hash, ChunkRef from, ChunkRef to) {
  const Slot slot = locate(hash, from);
  slot.bucket->entries[slot.at].store(entry(hash, to), std::memory_order_release);
}

void HashTable::erase(std::uint64_t hash, ChunkRef ref) {
  close_hole(bucket(index(hash, bucket_count())), locate(hash, ref));
  erased_one();
}

void HashTable::erase_to_ghost(std::uint64_t hash, ChunkRef ref, std::uint32_t bits) {
  Bucket& first = bucket(index(hash, bucket_count()));
  const Slot slot = locate(hash, ref);
  if (next_in_chain(first) == nullptr) {
    slot.bucket->entries[slot.at].store(entry(hash, kGhostBit | bits), std::memory_order_release);
  } else {
    close_hole(first, slot);
  }
  erased_one();
}

std::uint32_t HashTable::take_ghost(std::uint64_t hash) {
  Bucket& first = bucket(index(hash, bucket_count()));
  for (auto& slot : first.entries) {
    const std::uint64_t found = slot.load(std::memory_order_relaxed);
    if (!is_ghost(found) || tag_of(found) != tag(hash)) continue;
    slot.store(0, std::memory_order_release);
    return ref_of(found) & ~kGhostBit;
  }
  return 0;
}

void HashTable::erased_one() {
  --size_;
  if (bucket_count() > kBucketsMin && size_ < bucket_count() * kLoadMin) merge();
}

void HashTable::prefetch(std::uint64_t hash) const {
  __builtin_prefetch(&bucket(index(hash, bucket_count())));
}

ChunkRef HashTable::guess(std::uint64_t hash) const {
  const Bucket& first = bucket(index(hash, bucket_count()));
  for (const auto& slot : first.entries) {
    const std::uint64_t found = slot.load(std::memory_order_relaxed);
    if (tag_of(found) == tag(hash) && is_entry(found)) return ref_of(found);
  }
  return kNoChunk;
}

HashTable::Slot HashTable::locate(std::uint64_t hash, ChunkRef ref) const {
  const std::uint64_t wanted = entry(hash, ref);
  Bucket* here = &bucket(index(hash, bucket_count()));
  while (true) {
    for (std::size_t at = 0; at < kEntries; ++at) {
      if (here->entries[at].load(std::memory_order_relaxed) == wanted) return {here, at};
    }
    here = next_in_chain(*here);
  }
}

// An empty slot, or else a ghost's.
bool HashTable::add_to_bucket(Bucket& bucket, std::uint64_t entry) {
  std::atomic<std::uint64_t>* room = nullptr;
  for (auto& slot : bucket.entries) {
    const std::uint64_t found = slot.load(std::memory_order_relaxed);
    if (is_entry(found)) continue;
    room = &slot;
    if (found == 0) break;
  }
  if (room == nullptr) return false;
  room->store(entry, std::memory_order_release);
  return true;
}

// Only the last bucket of a chain has holes, so the first hole is as good as any.
void HashTable::add_to_chain(Bucket& first, std::uint64_t entry) {
  Bucket* here = &first;
  while (true) {
    if (add_to_bucket(*here, entry)) return;
    Bucket* next = next_in_chain(*here);
    if (next == nullptr) break;
    here = next;
  }
  const std::uint32_t number = take_overflow();
  overflow(number).entries[0].store(entry, std::memory_order_relaxed);
  const std::uint64_t control = here->control.load(std::memory_order_relaxed);
  here->control.store(control | number, std::memory_order_release);
}

// Empties a slot, and fills it again from the chain's end, so that only the last bucket has holes.
void HashTable::close_hole(Bucket& first, Slot hole) {
  if (next_in_chain(first) == nullptr) {
    hole.bucket->entries[hole.at].store(0, std::memory_order_release);
    return;
  }
  const Moving moving(first);
  Bucket* last = &first;
  while (Bucket* next = next_in_chain(*last)) last = next;
  std::size_t at = kEntries;
  while (last->entries[--at].load(std::memory_order_relaxed) == 0) {
  }
  hole.bucket->entries[hole.at].store(last->entries[at].load(std::memory_order_relaxed),
                                      std::memory_order_release);
  last->entries[at].store(0, std::memory_order_release);
  const auto is_empty = [](const auto& slot) { return slot.load(std::memory_order_relaxed) == 0; };
  if (std::all_of(last->entries.begin(), last->entries.end(), is_empty)) drop_last(first);
}

// A reader may still be in the bucket that is given away, and follow it into another chain. It
// finds nothing false there, and its miss is not believed, since the version of its own chain is
// odd.
void HashTable::drop_last(Bucket& first) {
  Bucket* before = &first;
  Bucket* last = next_in_chain(first);
  while (Bucket* next = next_in_chain(*last)) {
    before = last;
    last = next;
  }
  const std::uint64_t control = before->control.load(std::memory_order_relaxed);
  before->control.store(control & ~std::uint64_t{0xFFFFFFFF}, std::memory_order_release);
  give_overflow(overflow_of(control));
}

std::uint32_t HashTable::take_overflow() {
  if (overflow_free_ == 0) return static_cast<std::uint32_t>(++overflow_used_);
  const std::uint32_t number = overflow_free_;
  Bucket& taken = overflow(number);
  overflow_free_ = overflow_of(taken.control.load(std::memory_order_relaxed));
  --overflow_free_count_;
  taken.control.store(0, std::memory_order_release);
  return number;
}

void HashTable::give_overflow(std::uint32_t number) {
  overflow(number).control.store(overflow_free_, std::memory_order_release);
  overflow_free_ = number;
  ++overflow_free_count_;
}

void HashTable::split() {
  const std::size_t added = bucket_count();
  const std::size_t half = std::bit_floor(added);
  split_into_last(bucket(added - half), half);
  prepared_.grew(added * sizeof(Bucket), (added + 1) * sizeof(Bucket));
}

// What of `from` belongs to bucket number bucket_count(), which exists then.
void HashTable::split_into_last(Bucket& from, std::size_t half) {
  const std::size_t added = bucket_count();
  const std::uint32_t moves_bit = static_cast<std::uint32_t>(half >> 8);  // the tag begins at bit 8
  Bucket& to = bucket(added);
  const Moving moving(from);
  // First everything is in both, then the new bucket exists, then the old one loses what moved.
  for (Bucket* here = &from; here != nullptr; here = next_in_chain(*here)) {
    for (auto& slot : here->entries) {
      const std::uint64_t found = slot.load(std::memory_order_relaxed);
      if (is_entry(found) && (tag_of(found) & moves_bit) != 0) add_to_chain(to, found);
    }
  }
  bucket_count_.store(added + 1, std::memory_order_release);

  Bucket* keep = &from;  // what stays is packed towards the front
  std::size_t keep_at = 0;
  for (Bucket* here = &from; here != nullptr; here = next_in_chain(*here)) {
    for (auto& slot : here->entries) {
      const std::uint64_t found = slot.load(std::memory_order_relaxed);
      if (found == 0) continue;
      slot.store(0, std::memory_order_release);
      if (is_ghost(found) || (tag_of(found) & moves_bit) != 0) continue;
      keep->entries[keep_at].store(found, std::memory_order_release);
      if (++keep_at == kEntries) {
        keep_at = 0;
        keep = next_in_chain(*keep);
      }
    }
  }
  while (next_in_chain(from) != nullptr) {
    Bucket* last = next_in_chain(from);
    while (Bucket* next = next_in_chain(*last)) last = next;
    if (last->entries[0].load(std::memory_order_relaxed) != 0) break;
    drop_last(from);
  }
}

void HashTable::merge() {
  const std::size_t removed = bucket_count() - 1;
  Bucket& from = bucket(removed);
  Bucket& to = bucket(removed - std::bit_floor(removed));
  {
    const Moving moving_to(to);
    const Moving moving_from(from);
    for (Bucket* here = &from; here != nullptr; here = next_in_chain(*here)) {
      for (auto& slot : here->entries) {
        const std::uint64_t found = slot.load(std::memory_order_relaxed);
        if (is_entry(found)) add_to_chain(to, found);
      }
    }
    bucket_count_.store(removed, std::memory_order_release);
    for (Bucket* here = &from; here != nullptr; here = next_in_chain(*here)) {
      for (auto& slot : here->entries) slot.store(0, std::memory_order_release);
    }
    while (next_in_chain(from) != nullptr) drop_last(from);
  }
  const std::size_t end = removed * sizeof(Bucket);
  if (end % kHugePageBytes != 0) return;
  const std::size_t touched = std::max(end + kHugePageBytes, prepared_.bytes());
  bucket_memory_.release(end, std::min(touched, bucket_memory_.bytes()) - end);
  prepared_.gave_back(end);
}

char* HashTable::next_to_prepare() {
  const auto next = prepared_.next(bucket_count() * sizeof(Bucket), bucket_memory_.bytes());
  return next ? bucket_memory_.data() + *next * kHugePageBytes : nullptr;
}

}  // namespace ringcache::store
