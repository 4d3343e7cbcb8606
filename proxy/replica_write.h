// ReplicaWrite: what the nodes that have a replicated key said so far to a write of it, and the one
// answer that the client gets.
//
//   to all at once        set, touch, delete and their like, that leave the same wherever they come
//   owner, then delete    what depends on what is there (add, cas, incr, append, ...): the owner
//                         decides; when it may have changed the item the other copies are deleted,
//                         and come back when they are read
//
// The answer is the owner's, unless a node did not do its part: then it is that failure, so that a
// write which was answered well has left no older copy anywhere. (mcrouter's AllSync.)
//
// Part of its PendingRequest, touched by its worker only; allocates nothing when warm.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/response.h"
#include "routing/replicas.h"
#include "routing/route_plan.h"

namespace ringcache::proxy {

class ProxyWorker;
struct PendingRequest;

class ReplicaWrite {
 public:
  // The nodes of a key, the owner first, of the worker's present table.
  struct Place {
    ProxyWorker* worker = nullptr;
    routing::PoolIndex pool = 0;
    routing::ReplicaSet nodes;
    std::uint64_t generation = 0;   // of the table
    std::size_t client_number = 0;  // whose connections are taken
  };

  void begin() { on_ = true; }
  // With the command that deletes the other copies when the owner has answered.
  void begin(const Place& place, std::string_view forget_line);
  void clear();
  bool on() const { return on_; }

  // The answer of the node with this rank, 0 for the owner, or of a delete that followed.
  void take(std::uint8_t rank, const protocol::Response& response);
  // A node did not do its part; a whole line.
  void fail(std::string_view line);
  // The owner has answered, or nobody knows what it did: deletes the other copies where that is to
  // be done, as further parts of `request`.
  void forget_others(PendingRequest& request);

  // When all parts are done. Empty: it was answered otherwise.
  std::string_view answer() const { return answer_; }
  protocol::ResponseStatus status() const { return status_; }

 private:
  bool on_ = false;
  bool failed_ = false;
  bool forgets_ = false;
  protocol::ResponseStatus status_ = protocol::ResponseStatus::kError;
  std::string answer_;
  Place place_;
  std::string forget_line_;
};

}  // namespace ringcache::proxy
