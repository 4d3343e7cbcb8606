// What is counted, and which errors are passed on. The bytes that clients get are in
// tests/wire/proxy_scripts.txt.
#include "proxy/reply_delivery.h"

#include <doctest/doctest.h>

namespace ringcache::proxy {

using protocol::Command;
using protocol::Response;
using protocol::ResponseStatus;

namespace {

struct Delivery {
  Delivery() : requests(blocks), pending(requests.take()) { pending.parts_left = 1; }
  ~Delivery() { requests.give_back(pending); }

  InFlight entry(Command command, std::uint32_t keys = 0) {
    pending.command = command;
    return {.pending = &pending, .pool = &pool, .command = command, .keys_left = keys};
  }
  void answer(InFlight& entry, ResponseStatus status) {
    Response response;
    response.status = status;
    response.bytes = "text\r\n";
    deliver(entry, response, in, "node", node);
  }
  std::uint64_t counted(Command command, CommandStatus status) const {
    return pool.commands[static_cast<std::size_t>(command)][static_cast<std::size_t>(status)]
        .value();
  }

  net::BlockPool blocks;
  net::ReadBuffer in{blocks, 1024};
  PendingPool requests;
  PendingRequest& pending;
  PoolCounters pool;
  NodeCounters node;
};

}  // namespace

TEST_CASE("a retrieval counts each key once: values are hits, what is left at END is a miss") {
  Delivery d;
  InFlight entry = d.entry(Command::kGets, 3);
  d.answer(entry, ResponseStatus::kValue);
  d.answer(entry, ResponseStatus::kEnd);
  CHECK(d.counted(Command::kGets, CommandStatus::kHit) == 1);
  CHECK(d.counted(Command::kGets, CommandStatus::kMiss) == 2);
  CHECK(d.node.hits.value() == 1);
  CHECK(d.node.misses.value() == 2);
}

TEST_CASE("a node that sends more values than it was asked for makes no negative misses") {
  Delivery d;
  InFlight entry = d.entry(Command::kGet, 1);
  d.answer(entry, ResponseStatus::kValue);
  d.answer(entry, ResponseStatus::kValue);
  d.answer(entry, ResponseStatus::kEnd);
  CHECK(d.counted(Command::kGet, CommandStatus::kMiss) == 0);
}

TEST_CASE("a node's error line is the answer to a whole request only, and before any value only") {
  Delivery d;
  d.pending.ends_values = true;
  InFlight part = d.entry(Command::kGet, 2);
  d.answer(part, ResponseStatus::kServerError);
  CHECK(d.pending.ends_values);  // END will close the values of the other parts
  CHECK(d.counted(Command::kGet, CommandStatus::kError) == 2);
  InFlight begun = d.entry(Command::kGet, 2);
  begun.whole = true;
  d.answer(begun, ResponseStatus::kValue);
  d.answer(begun, ResponseStatus::kServerError);
  CHECK(d.pending.ends_values);
  InFlight whole = d.entry(Command::kGet, 1);
  whole.whole = true;
  d.answer(whole, ResponseStatus::kServerError);
  CHECK_FALSE(d.pending.ends_values);
}

TEST_CASE("a reply that nobody waits for any more counts for the node alone") {
  Delivery d;
  InFlight entry = d.entry(Command::kMetaGet);
  entry.pending = nullptr;
  d.answer(entry, ResponseStatus::kMetaHit);
  CHECK(d.node.hits.value() == 1);
  CHECK(d.counted(Command::kMetaGet, CommandStatus::kHit) == 0);
}

TEST_CASE("a failed node's reads are misses and its writes errors, with the reason counted") {
  Delivery d;
  InFlight multiget = d.entry(Command::kGet, 5);
  deliver_failure(multiget, NodeFailure::kTimeout, "node", d.node);
  CHECK(d.counted(Command::kGet, CommandStatus::kMiss) == 5);
  InFlight meta = d.entry(Command::kMetaGet);
  deliver_failure(meta, NodeFailure::kReset, "node", d.node);
  CHECK(d.counted(Command::kMetaGet, CommandStatus::kMiss) == 1);
  InFlight write = d.entry(Command::kSet);
  deliver_failure(write, NodeFailure::kReset, "node", d.node);
  CHECK(d.counted(Command::kSet, CommandStatus::kError) == 1);
  CHECK(d.node.errors[static_cast<std::size_t>(NodeFailure::kTimeout)].value() == 1);
  CHECK(d.node.errors[static_cast<std::size_t>(NodeFailure::kReset)].value() == 2);
  CHECK(d.node.misses.value() == 0);  // nobody asked the node's memory
}

}  // namespace ringcache::proxy
