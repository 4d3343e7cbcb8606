#include "store/event_ring.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <type_traits>

namespace ringcache::store {

static_assert(std::is_trivially_copyable_v<WatchEvent>, "events travel as bytes");
static_assert(kWatchTextBytesMax <= UINT8_MAX, "the length of the text is one byte");

EventRing::EventRing(std::size_t capacity_bytes)
    : capacity_(capacity_bytes), bytes_(new char[capacity_bytes]) {
  assert(capacity_bytes >= kBytesMin);
}

bool EventRing::has_room(std::size_t text_bytes) const {
  const std::uint64_t used =
      written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_acquire);
  return sizeof(WatchEvent) + 1 + text_bytes <= capacity_ - used;
}

void EventRing::push(const WatchEvent& event, std::string_view text) {
  assert(has_room(text.size()));
  const std::uint64_t at = written_.load(std::memory_order_relaxed);
  const auto length = static_cast<std::uint8_t>(text.size());
  copy_in(at, &event, sizeof event);
  copy_in(at + sizeof event, &length, 1);
  copy_in(at + sizeof event + 1, text.data(), text.size());
  written_.store(at + sizeof event + 1 + text.size(), std::memory_order_release);
}

bool EventRing::pop(WatchEvent& event, char* text, std::size_t& text_bytes) {
  const std::uint64_t at = read_.load(std::memory_order_relaxed);
  if (at == written_.load(std::memory_order_acquire)) return false;
  std::uint8_t length = 0;
  copy_out(at, &event, sizeof event);
  copy_out(at + sizeof event, &length, 1);
  copy_out(at + sizeof event + 1, text, length);
  text_bytes = length;
  read_.store(at + sizeof event + 1 + length, std::memory_order_release);
  return true;
}

std::size_t EventRing::used_bytes() const {
  const std::uint64_t read = read_.load(std::memory_order_acquire);
  return static_cast<std::size_t>(written_.load(std::memory_order_acquire) - read);
}

void EventRing::copy_in(std::uint64_t at, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  const auto place = static_cast<std::size_t>(at % capacity_);
  const std::size_t first = std::min(bytes, capacity_ - place);
  std::memcpy(bytes_.get() + place, from, first);
  std::memcpy(bytes_.get(), static_cast<const char*>(from) + first, bytes - first);
}

void EventRing::copy_out(std::uint64_t at, void* to, std::size_t bytes) const {
  const auto place = static_cast<std::size_t>(at % capacity_);
  const std::size_t first = std::min(bytes, capacity_ - place);
  std::memcpy(to, bytes_.get() + place, first);
  std::memcpy(static_cast<char*>(to) + first, bytes_.get(), bytes - first);
}

}  // namespace ringcache::store
