// PendingRequest: one request of a client that awaits replies of nodes, and its place in the
// client's order.
//
//   ClientSession:  oldest -> next -> next -> newest        (intrusive list, the order of answers)
//   Upstream FIFO:  each entry points at the PendingRequest that its reply belongs to
//   followers:      requests of any clients of the worker for the same, answered with this one
//
// A request has `parts_left` replies to come: one for most, one per node for a multiget or a
// fan-out. Bytes for the client go straight to its connection while the request is its oldest, and
// wait in `reply` while it is not. When the last part is in, the request is finished and leaves,
// with all finished ones behind it. A client that goes away leaves its requests behind without a
// session; they are freed when their last reply is in.
//
// Owned by the worker's PendingPool, touched by that worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/clock.h"
#include "net/read_buffer.h"
#include "protocol/command.h"
#include "protocol/response.h"
#include "proxy/fan_out.h"
#include "proxy/held_reply.h"
#include "proxy/near_cache.h"
#include "proxy/proxy_counters.h"
#include "proxy/replica_write.h"
#include "proxy/reply_packets.h"
#include "proxy/write_epochs.h"

namespace ringcache::proxy {

class ClientSession;
class Coalescer;
class PendingPool;

struct PendingRequest {
  explicit PendingRequest(net::BlockPool& blocks) : reply(blocks) {}

  PendingRequest* next = nullptr;
  ClientSession* session = nullptr;  // null: the client is gone
  PendingPool* owner = nullptr;
  PoolCounters* pool = nullptr;  // null: of no pool (fan-out, local)
  net::SteadyNs started = 0;
  std::uint32_t parts_left = 0;
  protocol::Command command = protocol::Command::kGet;
  bool quiet = false;        // noreply, or the meta flag q
  bool ends_values = false;  // a multiget's END is still to be written
  bool finished = false;
  // Not empty: the client is told this line, whatever the node answers.
  std::string_view fixed_answer;
  // A meta read that a node fails: EN with the key and the opaque that were asked for; empty: EN
  // alone.
  std::string miss_line;
  bool may_write = false;           // client_lanes.cpp
  std::uint64_t large_bytes = 0;    // of the large value that is expected; 0: none is
  std::size_t reply_bytes = 0;      // of the whole answer, so far
  ReplyPackets packets;             // of a client of the binary protocol
  HeldReply reply;                  // bytes that wait for the request to become the oldest
  std::unique_ptr<FanOut> fan_out;  // flush_all and stats: what the nodes said so far

  ReplicaWrite replica_write;  // to all nodes that have the key

  WriteMarks writes;  // under way until the last reply is in

  // Not null: the value that the node answers is kept there.
  NearCache* near_cache = nullptr;
  NearCache::Ticket near_ticket;

  // Requests for the same that are answered with this one (coalescer.h), newest first.
  PendingRequest* followers = nullptr;
  PendingRequest* next_follower = nullptr;  // of the list that this one is in
  std::uint32_t follower_count = 0;
  Coalescer* coalescer = nullptr;  // not null: others may join, by this slot of it
  std::size_t coalescer_slot = 0;

  // REQUIRES that nothing of the answer has come.
  void add_follower(PendingRequest& request);

  std::string_view miss() const {
    return miss_line.empty() ? protocol::kMetaMiss : std::string_view(miss_line);
  }

  // Bytes of the answer, in order. Dropped when the client is gone. Where they are the front of
  // `from` they may be moved out of it instead of copied, and are consumed then.
  void append(std::string_view bytes, net::ReadBuffer* from = nullptr);
  // The node's line is the whole answer, without an END of ours.
  void answer_is_whole();
  // One reply is in (or will never come). After the last one `this`, and who followed it, is dead.
  void part_done(net::SteadyNs now);

 private:
  void append_to_followers(std::string_view bytes);
  void to_client(const ReplyBytes& reply);
  void finish(net::SteadyNs now);
};

// Recycles the requests of one worker, so that a request costs no allocation.
class PendingPool {
 public:
  // REQUIRES that `blocks` outlives it.
  explicit PendingPool(net::BlockPool& blocks) : blocks_(blocks) {}
  ~PendingPool();
  PendingPool(const PendingPool&) = delete;
  PendingPool& operator=(const PendingPool&) = delete;

  PendingRequest& take();
  void give_back(PendingRequest& request);
  // nullptr: no memory.
  net::SharedBytes* share(std::string_view bytes) {
    return net::SharedBytes::copy_of(bytes, blocks_);
  }
  // Requests that are out.
  std::size_t in_use() const { return in_use_; }

  // Free requests kept; more are freed.
  static constexpr std::size_t kFreeMax = 16 * 1024;

 private:
  net::BlockPool& blocks_;
  PendingRequest* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::size_t in_use_ = 0;
};

}  // namespace ringcache::proxy
