#include "proxy/near_cache.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <string_view>

#include "proxy/write_epochs.h"

using namespace ringcache;
using namespace ringcache::proxy;

namespace {

constexpr net::SteadyNs kMs = 1'000'000;
constexpr std::string_view kValue = "VALUE k 0 1\r\nx\r\n";
constexpr std::string_view kReply = "VALUE k 0 1\r\nx\r\nEND\r\n";

struct Near {
  explicit Near(std::uint64_t bytes = 1 << 20) {
    cache.use({{bytes, 100 * kMs, &kept}, {bytes, 100 * kMs, &kept_by_other}});
  }
  NearCache::Get get(std::string_view key, routing::PoolIndex pool = 0) const {
    const std::size_t hash = std::hash<std::string_view>{}(key);
    return {pool, key, hash, epochs.of(hash), now};
  }
  std::string_view find(std::string_view key = "k") { return cache.find(get(key)).reply; }
  // As the proxy does for a get that a node answers with `value`.
  bool ask(std::string_view key = "k", std::string_view value = kValue) {
    const NearCache::Get asked = get(key);
    const NearCache::Found found = cache.find(asked);
    if (!found.reply.empty()) return true;
    if (found.hot) cache.fill(cache.reserve(asked), value);
    return false;
  }
  void make_hot(std::string_view key = "k", std::string_view value = kValue) {
    for (int i = 0; i < NearCache::kHotGets; ++i) CHECK_FALSE(ask(key, value));
  }
  void write(std::string_view key) {
    WriteMarks marks;
    marks.begin(epochs, std::hash<std::string_view>{}(key));
    marks.done();
  }

  WriteEpochs epochs;
  net::Counter kept;
  net::Counter kept_by_other;
  NearCache cache;
  net::SteadyNs now = 1'000 * kMs;
};

// Two keys that share a place.
std::string key_beside(std::string_view key) {
  const std::size_t place = std::hash<std::string_view>{}(key) % NearCache::kPlaces;
  for (int i = 0;; ++i) {
    std::string other = "other" + std::to_string(i);
    if (std::hash<std::string_view>{}(other) % NearCache::kPlaces == place) return other;
  }
}

}  // namespace

TEST_CASE("a key is kept once it is hot, for its time") {
  Near near;
  near.make_hot();
  CHECK(near.find() == kReply);
  CHECK(near.find("other").empty());
  near.now += 100 * kMs - 1;
  CHECK(near.find() == kReply);
  near.now += 1;
  CHECK(near.find().empty());
  CHECK_FALSE(near.ask());  // still hot: the next answer is kept
  CHECK(near.find() == kReply);
}

TEST_CASE("a key that is asked for now and then is never hot") {
  Near near;
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(near.ask());
    near.now += 1'000 * kMs / (NearCache::kHotGets - 2);
  }
  CHECK(near.kept.value() == 0);
}

TEST_CASE("a hot key cools when nobody asks") {
  Near near;
  near.make_hot();
  near.now += 2'000 * kMs;
  CHECK_FALSE(near.ask());
  CHECK(near.find().empty());
}

TEST_CASE("the same key of another pool is another key") {
  Near near;
  near.make_hot();
  CHECK(near.cache.find(near.get("k", 1)).reply.empty());
}

TEST_CASE("a write ends it, when it begins") {
  Near near;
  near.make_hot();
  WriteMarks marks;
  marks.begin(near.epochs, std::hash<std::string_view>{}("k"));
  CHECK(near.find().empty());
  marks.done();
  CHECK(near.find().empty());
  CHECK_FALSE(near.ask());
  CHECK(near.find() == kReply);
  WriteMarks flush;
  flush.begin_all(near.epochs);
  flush.done();
  CHECK(near.find().empty());
}

TEST_CASE("an answer to a get from before a write is not given after it") {
  Near near;
  for (int i = 1; i < NearCache::kHotGets; ++i) near.cache.find(near.get("k"));
  const NearCache::Get before = near.get("k");
  REQUIRE(near.cache.find(before).hot);
  const NearCache::Ticket ticket = near.cache.reserve(before);
  REQUIRE(ticket.number != 0);
  near.write("k");
  near.cache.fill(ticket, kValue);
  CHECK(near.find().empty());
}

TEST_CASE("one answer is awaited, however many ask meanwhile; a lost one is given up") {
  Near near;
  for (int i = 0; i < NearCache::kHotGets; ++i) near.cache.find(near.get("k"));
  const NearCache::Ticket first = near.cache.reserve(near.get("k"));
  REQUIRE(first.number != 0);
  CHECK(near.cache.reserve(near.get("k")).number == 0);
  near.now += 100 * kMs;
  const NearCache::Ticket second = near.cache.reserve(near.get("k"));
  CHECK(second.number != 0);
  near.cache.fill(first, kValue);  // too late
  CHECK(near.find().empty());
  near.cache.fill(second, kValue);
  CHECK(near.find() == kReply);
}

TEST_CASE("of two hot keys in one place the later has it") {
  Near near;
  const std::string other = key_beside("k");
  near.make_hot();
  near.make_hot(other);
  CHECK(near.find().empty());
  CHECK(near.find(other) == kReply);
}

TEST_CASE("what is kept is bounded, and counted") {
  Near near(8'000);
  const std::string large(1'000, 'x');  // too large a part of 8000 bytes
  near.make_hot("large", large);
  CHECK(near.find("large").empty());
  CHECK(near.kept.value() == 0);
  const std::string value(800, 'x');
  for (int i = 0; i < 50; ++i) {
    near.make_hot("key" + std::to_string(i), value);
    CHECK(near.kept.value() > value.size());
    CHECK(near.kept.value() <= 8'000);
  }
  CHECK_FALSE(near.find("key49").empty());
  CHECK(near.kept_by_other.value() == 0);
  near.cache.use({});
  CHECK(near.kept.value() == 0);
}

TEST_CASE("an answer that was awaited when the pools changed is not kept") {
  Near near;
  for (int i = 0; i < NearCache::kHotGets; ++i) near.cache.find(near.get("k"));
  const NearCache::Ticket ticket = near.cache.reserve(near.get("k"));
  near.cache.use({{1 << 20, 100 * kMs, &near.kept}});
  near.cache.fill(ticket, kValue);
  CHECK(near.find().empty());
  near.cache.use({});
  near.cache.fill(ticket, kValue);
}
