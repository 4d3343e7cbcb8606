#include "proxy/write_epochs.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using ringcache::proxy::WriteEpochs;
using ringcache::proxy::WriteMarks;

TEST_CASE("a write changes its key's epoch when it begins, and is settled when it is done") {
  WriteEpochs epochs;
  const WriteEpochs::Epoch before = epochs.of(1);
  CHECK(epochs.settled(1, before));
  WriteMarks write;
  CHECK(write.empty());
  write.begin(epochs, 1);
  CHECK_FALSE(write.empty());
  const WriteEpochs::Epoch during = epochs.of(1);
  CHECK(during != before);
  CHECK_FALSE(epochs.settled(1, during));
  CHECK(epochs.settled(2, epochs.of(2)));
  write.done();
  write.done();
  CHECK(epochs.of(1) == during);
  CHECK(epochs.settled(1, during));
}

TEST_CASE("of two writes under way both must be done") {
  WriteEpochs epochs;
  WriteMarks first;
  WriteMarks second;
  first.begin(epochs, 1);
  second.begin(epochs, 1 + WriteEpochs::kSlots);  // the same slot
  second.done();
  CHECK_FALSE(epochs.settled(1, epochs.of(1)));
  first.done();
  CHECK(epochs.settled(1, epochs.of(1)));
}

TEST_CASE("what changes every key unsettles every key") {
  WriteEpochs epochs;
  const WriteEpochs::Epoch before = epochs.of(7);
  WriteMarks flush;
  flush.begin_all(epochs);
  CHECK(epochs.of(7) != before);
  CHECK_FALSE(epochs.settled(7, epochs.of(7)));
  flush.done();
  CHECK(epochs.settled(7, epochs.of(7)));
}

TEST_CASE("a request may write many keys, and one of them twice") {
  WriteEpochs epochs;
  WriteMarks writes;
  for (std::size_t key = 0; key < 200; ++key) writes.begin(epochs, key % 150);
  CHECK_FALSE(epochs.settled(149, epochs.of(149)));
  writes.done();
  CHECK(writes.empty());
  for (std::size_t key = 0; key < 200; ++key) CHECK(epochs.settled(key, epochs.of(key)));
}

TEST_CASE("writes of several threads are all counted") {
  WriteEpochs epochs;
  const auto write_often = [&] {
    WriteMarks write;
    for (int i = 0; i < 10'000; ++i) {
      write.begin(epochs, 3);
      write.done();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(write_often);
  for (std::thread& thread : threads) thread.join();
  CHECK(epochs.of(3) == WriteEpochs::Epoch{30'000, 0});
  CHECK(epochs.settled(3, epochs.of(3)));
}
