#include "proxy/fifo.h"

#include <doctest/doctest.h>

#include <deque>
#include <random>

namespace ringcache::proxy {

TEST_CASE("a Fifo behaves as a deque through growth and wrap-around") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random(seed);
    Fifo<int> fifo;
    std::deque<int> model;
    for (int i = 0; i < 2000; ++i) {
      if (random() % 5 < 3) {
        fifo.push_back(i);
        model.push_back(i);
      } else if (!model.empty()) {
        REQUIRE(fifo.front() == model.front());
        fifo.pop_front();
        model.pop_front();
      }
      REQUIRE(fifo.size() == model.size());
      if (!model.empty()) REQUIRE(fifo[model.size() - 1] == model.back());
    }
  }
}

TEST_CASE("a cleared Fifo is empty and usable") {
  Fifo<int> fifo;
  for (int i = 0; i < 100; ++i) fifo.push_back(i);
  fifo.clear();
  CHECK(fifo.empty());
  fifo.push_back(7);
  CHECK(fifo.front() == 7);
}

}  // namespace ringcache::proxy
