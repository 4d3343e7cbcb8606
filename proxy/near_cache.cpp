#include "proxy/near_cache.h"

#include <algorithm>
#include <utility>

#include "protocol/response.h"

namespace ringcache::proxy {

namespace {
constexpr net::SteadyNs kSecondNs = 1'000'000'000;
}

void NearCache::use(std::vector<Share> shares) {
  for (const Share& share : shares_) {
    if (share.bytes != nullptr) share.bytes->set(0);
  }
  shares_ = std::move(shares);
  used_.assign(shares_.size(), 0);
  const bool any = std::any_of(shares_.begin(), shares_.end(),
                               [](const Share& share) { return share.bytes_max > 0; });
  // All new, so that tickets that are out fit nothing.
  places_ = std::vector<Place>(any ? kPlaces : 0);
  seen_ = std::vector<Seen>(any ? kSeenKeys : 0);
}

NearCache::Found NearCache::find(const Get& get) {
  const bool hot = is_hot(get);
  const Place& place = places_[get.key_hash % kPlaces];
  const bool good = place.filled && is_for(place, get) && get.now < place.expires;
  return {good ? std::string_view(place.reply) : std::string_view(), hot};
}

bool NearCache::is_for(const Place& place, const Get& get) {
  return place.pool == get.pool && place.epoch == get.epoch && place.key == get.key;
}

bool NearCache::is_hot(const Get& get) {
  Seen& seen = seen_[get.key_hash % kSeenKeys];
  const auto mark = static_cast<std::uint32_t>(get.key_hash >> 32 ^ get.pool);
  const auto second = static_cast<std::uint32_t>(get.now / kSecondNs);
  if (seen.mark != mark) {
    if (seen.second == second && seen.gets > 0) {
      --seen.gets;
      return false;
    }
    seen = {mark, second, 0, false};
  } else if (seen.second != second) {
    const bool was_hot = seen.second + 1 == second && seen.gets >= kHotGets;
    seen = {mark, second, 0, was_hot};
  }
  if (seen.gets < kHotGets) ++seen.gets;
  return seen.was_hot || seen.gets >= kHotGets;
}

NearCache::Ticket NearCache::reserve(const Get& get) {
  const auto at = static_cast<std::uint32_t>(get.key_hash % kPlaces);
  Place& place = places_[at];
  const bool awaited = place.number != 0 && !place.filled;
  if (awaited && is_for(place, get) && get.now < place.expires) return {};
  empty(place);
  last_number_ = std::max(1u, last_number_ + 1);
  place.number = last_number_;
  place.pool = get.pool;
  place.epoch = get.epoch;
  place.expires = get.now + shares_[get.pool].ttl_ns;
  place.key.assign(get.key);
  return {at, place.number};
}

void NearCache::fill(Ticket ticket, std::string_view value) {
  if (places_.empty()) return;
  Place& place = places_[ticket.place];
  if (place.number != ticket.number || place.filled) return;
  const std::size_t bytes = kEntryBytes + place.key.size() + value.size() + protocol::kEnd.size();
  if (bytes > shares_[place.pool].bytes_max / kValueShare || !make_room(place.pool, bytes)) {
    return empty(place);
  }
  place.reply.assign(value).append(protocol::kEnd);
  place.filled = true;
  place.counted_bytes = bytes;
  used_[place.pool] += bytes;
  shares_[place.pool].bytes->set(used_[place.pool]);
}

// What it held of memory goes, if it was much: the bytes are counted as free.
void NearCache::empty(Place& place) {
  if (place.filled) {
    used_[place.pool] -= place.counted_bytes;
    shares_[place.pool].bytes->set(used_[place.pool]);
    if (place.reply.capacity() > kEntryBytes) place.reply = {};
    if (place.key.capacity() > kEntryBytes) place.key = {};
  }
  place.number = 0;
  place.filled = false;
  place.counted_bytes = 0;
}

bool NearCache::make_room(routing::PoolIndex pool, std::size_t bytes) {
  for (std::size_t looked = 0; used_[pool] + bytes > shares_[pool].bytes_max; ++looked) {
    if (looked == kPlaces) return false;
    Place& place = places_[hand_++ % kPlaces];
    if (place.filled && place.pool == pool) empty(place);
  }
  return true;
}

}  // namespace ringcache::proxy
