#include "tests/store/model_run.h"

#include <doctest/doctest.h>

namespace ringcache::store {

using reference::Known;
using reference::MaybeKnown;

// Some at the limit of length, some of bytes that no text command could send.
std::string ModelRun::pick_key() {
  const std::uint64_t number = pick(options_.keys);
  std::string key = numbered("key:", number);
  if (number % 16 == 0) key.resize(250 - number % 3, '~');
  if (number % 16 == 1) key += std::string("\0\r\n \xff", 5);
  return key;
}

ModelRun::ModelRun(std::uint64_t seed, const ModelOptions& options)
    : random_(seed), options_(options), fixture_(options.store) {}

void ModelRun::run(int steps) {
  for (int step = 0; step < steps; ++step) {
    this->step();
    if (step % 16 == 0) check_totals();
    if (step % 97 == 0) fixture_.next_batch();
    if (step % options_.check_every == 0) check();
  }
  check();
  end();
}

// Mostly small, sometimes huge: chunks of every class, and chains.
std::size_t ModelRun::pick_bytes() {
  const std::uint64_t kind = pick(100);
  if (kind < 50) return pick(200);
  if (kind < 80) return pick(3000);
  if (kind < 95) return pick(30000);
  return pick(options_.value_bytes_max + 2000);
}

Seconds ModelRun::pick_expiry() {
  const std::uint64_t kind = pick(16);
  if (kind < 11) return kNever;
  if (kind == 11) return pick(2) == 0 ? kAlreadyPast : fixture_.now;
  return fixture_.now + static_cast<Seconds>(pick(kind == 12 ? 5000 : 10));
}

// None, the right one, and wrong ones on either side of it.
std::uint64_t ModelRun::pick_cas(const MaybeKnown& before) {
  const std::uint64_t right = before ? before->cas : cas_;
  switch (pick(5)) {
    case 0:
      return right + 1 + pick(3);
    case 1:
      return right > 3 ? right - 1 - pick(3) : right;
    case 2:
      return 0;
    default:
      return right;
  }
}

Known ModelRun::pick_item() {
  Known fresh;
  fresh.value = value_of(pick(1000), ++version_, pick_bytes());
  if (pick(2) == 0) fresh.client_flags = static_cast<std::uint32_t>(random_());
  fresh.expiry = pick_expiry();
  fresh.key_is_binary = pick(10) == 0;
  return fresh;
}

StoreOperands ModelRun::pick_operands(const MaybeKnown& before) {
  StoreOperands operands;
  if (pick(3) == 0) operands.mode = static_cast<StoreMode>(pick(5));
  operands.compare = pick(8) == 0;
  if (operands.compare) operands.compare_cas = pick_cas(before);
  operands.invalidate = operands.compare && pick(2) == 0;
  if (pick(8) == 0) operands.cas = random_();
  operands.append_vivify = pick(2) == 0;
  return operands;
}

void ModelRun::check() {
  const std::string wrong = fixture_.store.check_integrity();
  REQUIRE_MESSAGE(wrong.empty(), "after a " << std::string(what_) << ": " << wrong);
}

void ModelRun::check_totals() {
  const StoreTotals totals = fixture_.totals();
  REQUIRE(totals.total_malloced <= fixture_.store.options().memory_bytes);
  REQUIRE(totals.bytes <= totals.total_malloced);
  if (!options_.may_vanish) {
    std::size_t live = 0;
    for (const auto& [key, known] : model_) live += is_past(known) ? 0 : 1;
    REQUIRE(totals.curr_items >= live);
    REQUIRE(totals.evictions == 0);
  }
}

// Everything let go: then nothing is left, and no chunk is in use.
void ModelRun::end() {
  held_.clear();
  while (!pinned_.empty()) release_pin(0);
  fixture_.thread.flush_all(fixture_.now, fixture_.now);
  for (int passes = 0; passes < 2;) {
    fixture_.next_batch();
    if (look_after(fixture_.store, fixture_.now, 100000).pass_done) ++passes;
  }
  fixture_.next_batch();
  const StoreStats stats = fixture_.store.stats(fixture_.now);
  REQUIRE(stats.totals.curr_items == 0);
  REQUIRE(stats.totals.bytes == 0);
  std::uint64_t used = 0;
  for (const ClassStats& one : stats.classes) used += one.slabs.used_chunks;
  REQUIRE(used <= stats.totals.limbo_chunks);
  check();
}

std::string ModelRun::difference(const std::string& key, const MaybeKnown& expected) {
  const std::optional<ItemDebug> found = fixture_.thread.debug(hashed(key), fixture_.now);
  const bool is_live = expected && !is_past(*expected);
  if (found.has_value() != is_live) return is_live ? "it is not there" : "it is still there";
  if (!is_live) return {};
  if (found->value_bytes != expected->value.size()) return "its length";
  if (found->client_flags != expected->client_flags) return "its client flags";
  if (found->expiry != expected->expiry) return "its expiry";
  if (found->stale != expected->stale) return "whether it is stale";
  if (found->token_sent != expected->token_sent) return "whether somebody won";
  if (found->fetched != expected->fetched) return "whether it was fetched";
  if (found->key_is_binary != expected->key_is_binary) return "whether its key is binary";
  if (expected->cas != 0 ? found->cas != expected->cas : found->cas <= cas_) return "its cas";
  // To look at a stale item is to win it: its value is left to the commands that read.
  if (expected->stale && !expected->token_sent) return {};
  MetaGetOptions untouched;
  untouched.no_bump = true;
  const ItemView view = fixture_.thread.meta_get(hashed(key), untouched, fixture_.now).item;
  return view && view.key() == key && StoreFixture::text(view) == expected->value ? ""
                                                                                  : "its value";
}

void ModelRun::require_agreement(const std::string& key, const MaybeKnown& expected) {
  const std::string wrong = difference(key, expected);
  REQUIRE_MESSAGE(wrong.empty(),
                  "after a " << std::string(what_) << ", wrong about an item: " << wrong);
}

MaybeKnown ModelRun::look(const std::string& key) {
  const auto found = model_.find(key);
  if (found == model_.end() || is_past(found->second)) {
    require_agreement(key, {});
    return {};
  }
  const Known& known = found->second;
  if (agrees(key, known)) return known;
  if (!options_.may_vanish) require_agreement(key, known);
  require_agreement(key, {});
  model_.erase(found);
  return {};
}

void ModelRun::settle(const std::string& key, const MaybeKnown& after) {
  require_agreement(key, after);
  if (!after || is_past(*after)) return void(model_.erase(key));
  Known known = *after;
  if (known.cas == 0) {
    known.cas = fixture_.cas(key);
    cas_ = known.cas;
  }
  model_[key] = known;
}

void ModelRun::step() {
  const std::string key = pick_key();
  what_ = "look";
  switch (pick(28)) {
    case 0:
      return set_number(key);
    case 1:
      return remove(key);
    case 2:
      return pick(8) == 0 ? discard(key) : void(count(key));
    case 3:
      return count(key);
    case 4:
      return touch(key);
    case 5:
      return get_and_touch(key);
    case 6:
    case 7:
    case 8:
      return meta_get(key);
    case 9:
      return hold_pin(key);
    case 10:
      return hold_reservation(key);
    case 11:
      return end_reservation();
    case 12:
      return pick(4) == 0 ? advance() : void();
    case 13:
      return pick(20) == 0 ? flush() : void();
    case 14:
      what_ = "maintain";
      look_after(fixture_.store, fixture_.now, pick(5000));
      return order_page();
    case 15:
    case 16:
    case 17:
    case 18:
      return read_several(key);
    default:
      return store(key);
  }
}

// Pages move by order, the limit goes down and up: both may evict, unless nothing may.
void ModelRun::order_page() {
  if (!options_.may_vanish && options_.store.evict) return;
  what_ = "reassign_page";
  std::optional<unsigned> from;
  if (pick(3) != 0) from = static_cast<unsigned>(1 + pick(60));
  fixture_.store.reassign_page(from, static_cast<unsigned>(1 + pick(60)), fixture_.now);
  if (!options_.may_vanish || pick(50) != 0) return;
  what_ = "set_memory_limit";
  const std::size_t memory = options_.store.memory_bytes;
  const std::size_t limit = std::max(memory / (1 + pick(2)), kMemoryBytesMin);
  fixture_.store.set_memory_limit(limit, fixture_.now);
  fixture_.store.set_memory_limit(memory, fixture_.now);
}

// Mostly the next second, sometimes an hour, rarely weeks.
void ModelRun::advance() {
  const std::uint64_t kind = pick(40);
  fixture_.now += static_cast<Seconds>(kind == 0 ? 3600 : kind == 1 ? 1000000 : pick(3));
  if (flush_at_ == kNever || fixture_.now < flush_at_) return;
  flush_at_ = kNever;
  model_.clear();
}

void ModelRun::flush() {
  what_ = "flush_all";
  const bool is_later = pick(2) == 0;
  const Seconds at = is_later ? fixture_.now + 1 + static_cast<Seconds>(pick(5)) : fixture_.now;
  fixture_.thread.flush_all(at, fixture_.now);
  flush_at_ = is_later ? at : kNever;
  if (!is_later) model_.clear();
}

}  // namespace ringcache::store
