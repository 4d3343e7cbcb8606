// The commands of a ModelRun: each picks its operands, asks the store, and judges the answer.
#include <doctest/doctest.h>

#include <utility>

#include "tests/store/model_run.h"

namespace ringcache::store {

using reference::Known;
using reference::MaybeKnown;

namespace {

constexpr std::size_t kPinsMax = 3;
constexpr std::size_t kHeldMax = 3;
// More than header, flags and the links of a chain need: below this an item is not too large.
constexpr std::size_t kOverheadMax = 1024;

}  // namespace

void ModelRun::store(const std::string& key) {
  const MaybeKnown before = look(key);
  what_ = "store";
  Known fresh = pick_item();
  const StoreOperands operands = pick_operands(before);
  fresh.cas = operands.cas;
  const StoreResult result = fixture_.put(key, fresh.value, operands,
                                          {fresh.client_flags, fresh.expiry, fresh.key_is_binary});
  judge_store(key, before, fresh, operands, result);
}

void ModelRun::judge_store(const std::string& key, const MaybeKnown& before, const Known& fresh,
                           const StoreOperands& operands, const StoreResult& result) {
  const bool concatenates =
      operands.mode == StoreMode::kAppend || operands.mode == StoreMode::kPrepend;
  const std::size_t limit = fixture_.store.options().item_bytes_max;
  const std::size_t bytes = key.size() + fresh.value.size();
  if (result.status == StoreStatus::kNoMemory) {
    REQUIRE_FALSE(options_.store.evict);
    return settle(key, before);
  }
  if (result.status == StoreStatus::kTooLarge) {
    REQUIRE(bytes + (concatenates && before ? before->value.size() : 0) + kOverheadMax > limit);
    if (!before || agrees(key, before)) return settle(key, before);
    REQUIRE(options_.may_vanish);  // to make room for what was to be appended
    return settle(key, {});
  }
  const reference::Stored expected = before ? reference::store_present(*before, fresh, operands)
                                            : reference::store_absent(fresh, operands);
  reference::Stored chosen = expected;
  // Room for the new value may have been made by evicting the old one.
  const bool vanished = before && options_.may_vanish &&
                        (result.status != expected.status || !agrees(key, expected.after));
  if (vanished) chosen = reference::store_absent(fresh, operands);
  REQUIRE(result.status == chosen.status);
  if (result.status == StoreStatus::kStored) {
    REQUIRE(bytes <= limit);
    REQUIRE((operands.cas != 0 ? result.cas == operands.cas : result.cas > cas_));
    if (is_past(*chosen.after) && operands.cas == 0) cas_ = result.cas;
  }
  settle(key, chosen.after);
  if (result.status == StoreStatus::kStored && model_.count(key) != 0) {
    REQUIRE(model_.at(key).cas == result.cas);
  }
}

void ModelRun::set_number(const std::string& key) {
  look(key);
  what_ = "set";
  Known fresh;
  fresh.value = pick(4) == 0 ? std::string("18446744073709551615") : std::to_string(pick(100000));
  const StoreResult result = fixture_.put(key, fresh.value);
  judge_store(key, {}, fresh, {}, result);
}

void ModelRun::remove(const std::string& key) {
  const MaybeKnown before = look(key);
  what_ = "delete";
  DeleteOperands operands;
  operands.compare = pick(3) == 0;
  if (operands.compare) operands.compare_cas = pick_cas(before);
  operands.invalidate = pick(3) == 0;
  operands.remove_value = pick(4) == 0;
  operands.touch = (operands.invalidate || operands.remove_value) && pick(2) == 0;
  if (operands.touch) operands.touch_expiry = pick_expiry();
  if (operands.remove_value && pick(2) == 0) {
    operands.client_flags = static_cast<std::uint32_t>(random_());
  }
  if ((operands.invalidate || operands.remove_value) && pick(4) == 0) operands.cas = random_();
  const DeleteStatus status = fixture_.remove(key, operands);
  if (!before) {
    REQUIRE(status == DeleteStatus::kNotFound);
    return settle(key, {});
  }
  if (status == DeleteStatus::kNoMemory) {
    REQUIRE_FALSE(options_.store.evict);
    return settle(key, before);
  }
  const reference::Deleted expected = reference::remove_present(*before, operands);
  REQUIRE(status == expected.status);
  settle(key, expected.after);
}

void ModelRun::discard(const std::string& key) {
  look(key);
  what_ = "discard";
  fixture_.thread.discard(hashed(key), fixture_.now);
  settle(key, {});
}

void ModelRun::count(const std::string& key) {
  const MaybeKnown before = look(key);
  what_ = "incr";
  ArithmeticOperands operands;
  operands.decrement = pick(2) == 0;
  operands.delta = pick(8) == 0 ? random_() : pick(2000);
  operands.compare = pick(4) == 0;
  if (operands.compare) operands.compare_cas = pick_cas(before);
  operands.vivify = pick(2) == 0;
  operands.vivify_expiry = pick_expiry();
  operands.initial = pick(100000);
  operands.touch = pick(4) == 0;
  operands.touch_expiry = pick_expiry();
  if (pick(8) == 0) operands.cas = random_();
  operands.key_is_binary = pick(8) == 0;
  const ArithmeticResult result = fixture_.arithmetic(key, operands);
  if (result.status == ArithmeticStatus::kNoMemory) {
    REQUIRE_FALSE(options_.store.evict);
    return settle(key, before);
  }
  const reference::Counted expected =
      before ? reference::count_present(*before, operands) : reference::count_absent(operands);
  REQUIRE(result.status == expected.status);
  if (result.status == ArithmeticStatus::kOk) {
    REQUIRE(result.value == expected.number);
    REQUIRE(result.created == !before);
    if (before) REQUIRE(result.expiry_before == before->expiry);
    REQUIRE((operands.cas != 0 ? result.cas == operands.cas : result.cas > cas_));
    if (is_past(*expected.after) && operands.cas == 0) cas_ = result.cas;
  }
  settle(key, expected.after);
}

void ModelRun::touch(const std::string& key) {
  MaybeKnown before = look(key);
  what_ = "touch";
  const Seconds expiry = pick_expiry();
  REQUIRE(fixture_.thread.touch(hashed(key), expiry, fixture_.now) == before.has_value());
  if (before) {
    before->expiry = expiry;
    before->fetched = true;
  }
  settle(key, before);
}

void ModelRun::get_and_touch(const std::string& key) {
  MaybeKnown before = look(key);
  what_ = "gat";
  const Seconds expiry = pick_expiry();
  const ItemView view = fixture_.thread.get_and_touch(hashed(key), expiry, fixture_.now);
  REQUIRE(static_cast<bool>(view) == before.has_value());
  if (before) {
    REQUIRE(StoreFixture::text(view) == before->value);
    REQUIRE(view.cas() == before->cas);
    before->expiry = expiry;
    before->fetched = true;
  }
  settle(key, before);
}

void ModelRun::meta_get(const std::string& key) {
  const MaybeKnown before = look(key);
  what_ = "mg";
  MetaGetOptions options;
  options.no_bump = pick(4) == 0;
  options.touch = pick(4) == 0;
  options.touch_expiry = pick_expiry();
  options.vivify = pick(3) == 0;
  options.vivify_expiry = pick_expiry();
  if (pick(8) == 0) options.vivify_cas = random_();
  options.vivify_key_is_binary = pick(8) == 0;
  options.recache = pick(3) == 0;
  options.recache_below = static_cast<Seconds>(pick(20));
  options.recache_before_touch = pick(2) == 0;
  if (!before) return vivify(key, options);
  const MetaGetResult result = fixture_.meta_get(key, options);
  const reference::Got expected = reference::meta_get_present(*before, options, fixture_.now);
  REQUIRE(result.item);
  REQUIRE_FALSE(result.created);
  REQUIRE(StoreFixture::text(result.item) == before->value);
  REQUIRE(result.won == expected.won);
  REQUIRE(result.stale == before->stale);
  REQUIRE(result.token_sent == before->token_sent);
  REQUIRE(result.was_fetched == before->fetched);
  REQUIRE(result.expiry_before == before->expiry);
  REQUIRE(result.last_access <= fixture_.now);
  settle(key, expected.after);
}

void ModelRun::vivify(const std::string& key, const MetaGetOptions& options) {
  const MetaGetResult result = fixture_.meta_get(key, options);
  if (result.no_memory) REQUIRE_FALSE(options_.store.evict);
  if (!options.vivify || result.no_memory) {
    REQUIRE_FALSE(result.item);
    return settle(key, {});
  }
  REQUIRE(result.created);
  REQUIRE(result.won);
  REQUIRE(result.item.value_bytes() == 0);
  if (options.vivify_cas == 0) REQUIRE(result.item.cas() > cas_);
  const Known fresh = reference::vivified(options);
  if (is_past(fresh) && options.vivify_cas == 0) cas_ = result.item.cas();
  settle(key, fresh);
}

// Views of several keys at once, looked at when all have been found.
void ModelRun::read_several(const std::string& key) {
  std::vector<std::string> keys{key};
  for (std::uint64_t more = pick(4); more > 0; --more) keys.push_back(pick_key());
  for (const std::string& one : keys) look(one);
  std::vector<ItemView> views;
  for (const std::string& one : keys) {
    fixture_.thread.prefetch(hashed(one));
    fixture_.thread.prefetch_item(hashed(one));
  }
  for (const std::string& one : keys) {
    views.push_back(fixture_.thread.get(hashed(one), fixture_.now));
  }
  for (std::size_t at = 0; at < keys.size(); ++at) {
    const auto known = model_.find(keys[at]);
    REQUIRE(static_cast<bool>(views[at]) == (known != model_.end() && !is_past(known->second)));
    if (!views[at]) continue;
    what_ = "get";
    known->second.fetched = true;
    REQUIRE(views[at].key() == keys[at]);
    REQUIRE(views[at].client_flags() == known->second.client_flags);
    REQUIRE(views[at].expiry() == known->second.expiry);
    REQUIRE(views[at].cas() == known->second.cas);
    REQUIRE(StoreFixture::text(views[at]) == known->second.value);
  }
}

void ModelRun::hold_pin(const std::string& key) {
  if (pinned_.size() == kPinsMax) release_pin(pick(kPinsMax));
  if (!look(key)) return;
  const ItemView view = fixture_.thread.get(hashed(key), fixture_.now);
  model_.at(key).fetched = true;
  what_ = "pin";
  bool first = false;
  ItemRef ref = fixture_.thread.pin(view, &first);
  if (!ref) return;
  const std::uint32_t pins = fixture_.thread.debug(hashed(key), fixture_.now)->pins;
  REQUIRE(first == (pins == 1));
  REQUIRE(static_cast<bool>(fixture_.thread.pin_again(view)));
  pinned_.push_back({std::move(ref), StoreFixture::text(view)});
}

void ModelRun::release_pin(std::size_t at) {
  REQUIRE(StoreFixture::text(pinned_[at].ref.view()) == pinned_[at].value);
  pinned_.erase(pinned_.begin() + static_cast<std::ptrdiff_t>(at));
}

void ModelRun::hold_reservation(const std::string& key) {
  if (held_.size() == kHeldMax) end_reservation();
  what_ = "reserve";
  Held held{key, pick_item(), {}};
  held.reservation = fixture_.thread.reserve(
      hashed(key), {held.fresh.client_flags, held.fresh.expiry, held.fresh.key_is_binary},
      held.fresh.value.size(), fixture_.now);
  if (!held.reservation) {
    if (held.reservation.status() == ReserveStatus::kNoMemory) REQUIRE_FALSE(options_.store.evict);
    return;
  }
  held.reservation.write(
      std::string_view(held.fresh.value).substr(0, pick(held.fresh.value.size() + 1)));
  held_.push_back(std::move(held));
}

// Some are given up, as when a client goes away; the others are filled and stored in any mode.
void ModelRun::end_reservation() {
  if (held_.empty()) return;
  const auto at = held_.begin() + static_cast<std::ptrdiff_t>(pick(held_.size()));
  Held held = std::move(*at);
  held_.erase(at);
  what_ = "reservation given up";
  if (pick(3) == 0) return;
  const MaybeKnown before = look(held.key);
  what_ = "commit";
  const StoreOperands operands = pick_operands(before);
  held.fresh.cas = operands.cas;
  held.reservation.write(std::string_view(held.fresh.value).substr(held.reservation.filled()));
  const StoreResult result =
      fixture_.thread.commit(std::move(held.reservation), operands, fixture_.now);
  judge_store(held.key, before, held.fresh, operands, result);
}

}  // namespace ringcache::store
