#include "store/event_ring.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <thread>

namespace ringcache::store {
namespace {

WatchEvent numbered(std::uint64_t gid) {
  WatchEvent event;
  event.gid = gid;
  event.value_bytes = static_cast<std::uint32_t>(gid * 3);
  return event;
}

// As long as its number says, so that events of all lengths meet the end of the ring.
std::string text_of(std::uint64_t gid) {
  return std::string(gid * 37 % (kWatchTextBytesMax + 1), static_cast<char>('a' + gid % 26));
}

// The next event of the ring, as text; empty when there is none.
std::string pop(EventRing& ring) {
  WatchEvent event;
  std::array<char, kWatchTextBytesMax> text;
  std::size_t bytes = 0;
  if (!ring.pop(event, text.data(), bytes)) return "";
  CHECK(event.value_bytes == static_cast<std::uint32_t>(event.gid * 3));
  return std::to_string(event.gid) + ' ' + std::string(text.data(), bytes);
}

std::string expected(std::uint64_t gid) {
  return std::to_string(gid) + ' ' + text_of(gid);
}

}  // namespace

TEST_CASE("a new ring is empty") {
  EventRing ring(EventRing::kBytesMin);
  CHECK(pop(ring) == "");
  CHECK(ring.used_bytes() == 0);
  CHECK(ring.has_room(kWatchTextBytesMax));
}

TEST_CASE("a ring of the least size takes the largest event, one at a time, at every place") {
  EventRing ring(EventRing::kBytesMin);
  for (std::uint64_t gid = 1; gid < 2000; ++gid) {
    const std::string text = gid % 2 == 0 ? std::string(kWatchTextBytesMax, 'x') : text_of(gid);
    REQUIRE(ring.has_room(text.size()));
    ring.push(numbered(gid), text);
    REQUIRE(pop(ring) == std::to_string(gid) + ' ' + text);
    REQUIRE(pop(ring) == "");
  }
}

TEST_CASE("events come out in order, over the end of the ring and back") {
  for (const std::size_t capacity : {EventRing::kBytesMin, std::size_t{1000}, std::size_t{4097}}) {
    CAPTURE(capacity);
    EventRing ring(capacity);
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    while (read < 5000) {
      while (ring.has_room(text_of(written + 1).size())) {
        ++written;
        ring.push(numbered(written), text_of(written));
      }
      REQUIRE(written > read);
      // Leaves some, so that the ring is neither empty nor full at its end.
      const std::uint64_t upto = written - (written - read) / 3;
      while (read < upto) REQUIRE(pop(ring) == expected(++read));
    }
  }
}

TEST_CASE("a full ring refuses what does not fit, and takes it when there is room again") {
  EventRing ring(1024);
  std::uint64_t written = 0;
  while (ring.has_room(100)) ring.push(numbered(++written), std::string(100, 'k'));
  const std::size_t left = ring.capacity_bytes() - ring.used_bytes();
  CHECK(left < sizeof(WatchEvent) + 1 + 100);
  CHECK(ring.has_room(0) == (left >= sizeof(WatchEvent) + 1));
  CHECK(pop(ring) == "1 " + std::string(100, 'k'));
  CHECK(ring.has_room(100));
  while (pop(ring) != "") {
  }
  CHECK(ring.used_bytes() == 0);
}

TEST_CASE("one thread writes while another reads: nothing is torn, lost or out of order") {
  EventRing ring(2048);
  constexpr std::uint64_t kEvents = 100'000;
  std::thread writer([&] {
    for (std::uint64_t gid = 1; gid <= kEvents; ++gid) {
      const std::string text = text_of(gid);
      while (!ring.has_room(text.size())) std::this_thread::yield();
      ring.push(numbered(gid), text);
    }
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t gid = 1; gid <= kEvents;) {
    const std::string event = pop(ring);
    if (event.empty()) {
      std::this_thread::yield();
      continue;
    }
    if (event != expected(gid)) ++wrong;
    ++gid;
  }
  writer.join();
  CHECK(wrong == 0);
  CHECK(pop(ring) == "");
}

}  // namespace ringcache::store
