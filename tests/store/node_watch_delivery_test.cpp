// What a worker's watchers are given, in which turn, and what they are told of the rest.
#include "store/node_watch_delivery.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "net/block_pool.h"

using namespace ringcache;
using namespace ringcache::store;

namespace {

// A connection that watches and reads nothing by itself.
struct Reader {
  Reader(WatchDelivery& to, WatchClasses classes, std::size_t buffer_bytes = std::size_t{64} << 20)
      : delivery(to), watcher(classes, buffer_bytes) {
    delivery.add(watcher, out, [this] { ++flushes; });
  }
  ~Reader() { delivery.remove(watcher); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::string read() {
    std::string text;
    while (!out.empty()) {
      std::array<iovec, 1> piece;
      REQUIRE(out.gather(piece) > 0);
      text.append(static_cast<const char*>(piece[0].iov_base), piece[0].iov_len);
      out.consume(piece[0].iov_len);
    }
    return text;
  }

  WatchDelivery& delivery;
  net::BlockPool pool;
  net::WriteBuffer out{pool};
  NodeWatcher watcher;
  int flushes = 0;
};

std::shared_ptr<WatchBatch> batch_of(std::string_view line, std::size_t lines,
                                     WatchClasses event_class, std::uint64_t gid = 1) {
  auto batch = std::make_shared<WatchBatch>();
  for (std::size_t i = 0; i < lines; ++i) batch->add(line, gid, event_class);
  return batch;
}

// Turns until all is delivered, the last included.
std::size_t turns(WatchDelivery& delivery) {
  std::size_t turns = 1;
  while (delivery.deliver()) ++turns;
  return turns;
}

}  // namespace

TEST_CASE("a turn carries so many bytes, also of one batch for one watcher") {
  WatchDelivery delivery;
  Reader reader(delivery, kWatchFetchers);
  const std::string line(99, 'x');
  REQUIRE(delivery.accept(batch_of(line + '\n', 10'000, kWatchFetchers)));
  std::size_t turns = 1;
  for (; delivery.deliver(); ++turns) {
    const std::size_t bytes = reader.read().size();
    CHECK(bytes <= kDeliveryBytesPerTurn);
    CHECK(bytes > kDeliveryBytesPerTurn / 2);
  }
  CHECK(turns == 10'000 * (100 + kLookedAtBytes) / kDeliveryBytesPerTurn + 1);
  CHECK(delivery.yields().value() == turns - 1);
  CHECK(delivery.sent().value() == 10'000);
  CHECK(reader.flushes == static_cast<int>(turns));
}

TEST_CASE("lines that a watcher does not want count in its turn") {
  WatchDelivery delivery;
  Reader rare(delivery, kWatchEvictions);
  auto batch = batch_of("line\n", 100'000, kWatchFetchers);
  batch->add("evicted\n", 2, kWatchEvictions);
  REQUIRE(delivery.accept(batch));
  CHECK(turns(delivery) == 100'000 * kLookedAtBytes / kDeliveryBytesPerTurn + 1);
  CHECK(rare.read() == "evicted\n");
  // A batch without any is passed over.
  REQUIRE(delivery.accept(batch_of("line\n", 100'000, kWatchFetchers)));
  CHECK(turns(delivery) == 1);
  CHECK(rare.read().empty());
}

TEST_CASE("each watcher gets every line of its classes once, whoever leaves meanwhile") {
  WatchDelivery delivery;
  auto first = std::make_unique<Reader>(delivery, kWatchFetchers);
  auto second = std::make_unique<Reader>(delivery, kWatchFetchers);
  auto third = std::make_unique<Reader>(delivery, kWatchFetchers | kWatchMutations);
  auto fourth = std::make_unique<Reader>(delivery, kWatchMutations);
  REQUIRE(delivery.accept(batch_of("fetched\n", 8'000, kWatchFetchers)));
  REQUIRE_FALSE(delivery.accept(batch_of("stored\n", 8'000, kWatchMutations)));
  // Until the second is in the middle of its share, then it leaves, and one that had all.
  while (second->out.empty()) REQUIRE(delivery.deliver());
  REQUIRE(first->out.bytes() == 8'000 * 8);
  second.reset();
  first.reset();
  while (delivery.deliver()) {
  }
  CHECK(third->out.bytes() == 8'000 * (8 + 7));
  CHECK(fourth->out.bytes() == 8'000 * 7);
}

TEST_CASE("what the inbox has no room for is told to those who watched then, and to no one else") {
  WatchDelivery delivery;
  Reader early(delivery, kWatchFetchers);
  Reader other(delivery, kWatchMutations);
  REQUIRE(delivery.accept(batch_of("line\n", 10, kWatchFetchers)));
  for (std::size_t i = 1; i < kInboxBatchesMax; ++i) {
    REQUIRE_FALSE(delivery.accept(batch_of("line\n", 10, kWatchFetchers)));
  }
  // Beyond its room: 25 lines of one class, 3 of another.
  CHECK_FALSE(delivery.accept(batch_of("lost\n", 25, kWatchFetchers)));
  CHECK_FALSE(delivery.accept(batch_of("lost\n", 3, kWatchDeletions)));
  Reader late(delivery, kWatchFetchers | kWatchDeletions);
  while (delivery.deliver()) {
  }
  CHECK(delivery.skipped().value() == 25);

  // It comes where the lines are missing: before the next.
  REQUIRE(delivery.accept(batch_of("next\n", 1, kWatchFetchers)));
  while (delivery.deliver()) {
  }
  CHECK(early.read().ends_with("line\nskipped=25\nnext\n"));
  CHECK(late.read().ends_with("line\nnext\n"));
  CHECK(other.read().empty());
}

TEST_CASE("an event from before a watcher came is not told to it") {
  WatchDelivery delivery;
  Reader reader(delivery, kWatchFetchers);
  reader.watcher.begin_after(7);
  auto batch = batch_of("old\n", 1, kWatchFetchers, 7);
  batch->add("new\n", 8, kWatchFetchers);
  REQUIRE(delivery.accept(batch));
  CHECK(turns(delivery) == 1);
  CHECK(reader.read() == "new\n");
}

TEST_CASE("a batch is full from a MiB on") {
  WatchBatch batch;
  const std::string line(kWatchLineBytesMax, 'x');
  while (!batch.is_full()) batch.add(line, 1, kWatchFetchers);
  CHECK(batch.text.size() >= kWatchBatchBytesMax);
  CHECK(batch.text.size() < kWatchBatchBytesMax + kWatchLineBytesMax);
  CHECK(batch.lines.back().end == batch.text.size());
}
