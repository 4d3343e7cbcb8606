#include "proxy/pending_request.h"

#include <doctest/doctest.h>

#include <vector>

namespace ringcache::proxy {

TEST_CASE("requests are recycled clean") {
  net::BlockPool blocks;
  PendingPool pool(blocks);
  PendingRequest& first = pool.take();
  first.reply.append({"left over"});
  first.quiet = true;
  first.ends_values = true;
  first.fixed_answer = "x";
  net::Counter rows_dropped;
  first.fan_out = std::make_unique<FanOut>(FanOut::Kind::kStats, rows_dropped);
  first.parts_left = 1;
  first.part_done(0);  // its client is gone: it goes back to the pool
  CHECK(pool.in_use() == 0);
  PendingRequest& second = pool.take();
  CHECK(&second == &first);
  CHECK(second.reply.empty());
  CHECK_FALSE(second.quiet);
  CHECK_FALSE(second.ends_values);
  CHECK_FALSE(second.finished);
  CHECK(second.fixed_answer.empty());
  CHECK(second.fan_out == nullptr);
  CHECK(second.next == nullptr);
  pool.give_back(second);
}

TEST_CASE("a recycled request does not keep a large reply's memory") {
  net::BlockPool blocks;
  PendingPool pool(blocks);
  PendingRequest& request = pool.take();
  request.reply.append({std::string(10 * HeldReply::kSmallBytesMax, 'x')});
  CHECK(blocks.borrowed_bytes() > 0);
  pool.give_back(request);
  CHECK(blocks.borrowed_bytes() == 0);
}

TEST_CASE("a request without a client counts its time and leaves with its last part") {
  net::BlockPool blocks;
  PendingPool pool(blocks);
  PoolCounters counters;
  PendingRequest& request = pool.take();
  request.pool = &counters;
  counters.in_flight.add();
  request.command = protocol::Command::kGet;
  request.started = 1000;
  request.parts_left = 2;
  request.append("nobody reads this");
  CHECK(request.reply.empty());
  request.part_done(2000);
  CHECK(pool.in_use() == 1);
  request.part_done(3000);
  CHECK(pool.in_use() == 0);
  CHECK(counters.in_flight.value() == 0);
  CHECK(counters.duration[0].snapshot().count() == 1);
  CHECK(counters.duration[0].snapshot().sum_ns == 2000);
}

}  // namespace ringcache::proxy
