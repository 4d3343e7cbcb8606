// ReplicaReads: reads of keys with several copies. The nearest node that is up is asked; when it
// has not got the key, or fails, the next one is, until one has it or none is left.
//
// A get that a later node answers is a mg there, whose VA becomes the VALUE of the client: so its
// remaining time is known, and the nodes that had not got the key are given it by a ms that adds,
// and overwrites nothing (replica_repairs.cpp). Not when a write of the key was begun through this
// process meanwhile (write_epochs.h). One that is begun before the node has answered the ms may
// have overtaken it on another connection: then what was added is deleted, by its CAS number. What
// other processes write at that moment may be outlived by a copy that was just replaced, until that
// expires or is written again.
//
// Each node has timeouts.request. Owned by its worker, touched by its thread only; allocates
// nothing when warm.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/response.h"
#include "proxy/in_flight.h"
#include "proxy/write_epochs.h"
#include "routing/replicas.h"
#include "routing/route_plan.h"

namespace ringcache::proxy {

class ProxyWorker;
class ReplicaReads;
struct NodeCounters;

// A read under way, or a repair. `InFlight::replica` of what a node is asked for it.
struct ReplicaRead {
  ReplicaRead* next = nullptr;
  ReplicaReads* owner = nullptr;
  std::uint64_t generation = 0;  // of the table that the nodes are of
  routing::PoolIndex pool = 0;
  routing::ReplicaSet nodes;  // in the order in which they are asked
  std::size_t asked = 0;      // of them
  std::array<routing::NodeIndex, routing::kReplicasMax> without{};  // had not got the key
  std::size_t without_count = 0;
  std::size_t client_number = 0;
  protocol::Command command = protocol::Command::kGet;
  bool as_value = false;   // asked by mg, for a get
  bool is_repair = false;  // of the first of `without`, for nobody who waits
  std::string key;         // of a get
  std::string line;        // of a mg
  std::size_t key_hash = 0;
  WriteEpochs::Epoch epoch;
};

class ReplicaReads {
 public:
  explicit ReplicaReads(ProxyWorker& worker) : worker_(worker) {}
  ~ReplicaReads();
  ReplicaReads(const ReplicaReads&) = delete;
  ReplicaReads& operator=(const ReplicaReads&) = delete;

  // What is asked: a get of `key`, or a mg by this line.
  struct Ask {
    routing::PoolIndex pool;
    std::uint64_t hash;  // as the pool's ring takes it
    protocol::Command command;
    std::string_view key;
    std::string_view line;
    std::size_t client_number;
  };
  // Asks the first node, for one part of `entry.pending`, whose part is done when nobody could be
  // asked: then false, and it was answered as a miss.
  bool begin(const Ask& ask, InFlight entry);
  // A node has answered `asked`, or will not: true if that is dealt with: another is asked, or a
  // value was given. False: it is the answer, and no more than that; `asked.replica` is null then.
  bool take(InFlight& asked, const protocol::Response& response, NodeCounters& counters);
  bool failed(InFlight& asked);
  // Nobody else is to be asked.
  static void end(InFlight& entry);

 private:
  bool go_on(InFlight& asked);
  bool ask_next(ReplicaRead& read, InFlight entry);
  void give_value(InFlight& entry, const protocol::Response& response);
  // replica_repairs.cpp
  void repair(const ReplicaRead& read, const protocol::Response& response);
  void finish_repair(InFlight& entry, const protocol::Response& response);
  ReplicaRead& take_free();
  void give_back(ReplicaRead& read);
  std::string_view line_of(ReplicaRead& read);

  // Kept between values that are given anew, bytes.
  static constexpr std::size_t kKeptValueBytesMax = 1 << 20;

  ProxyWorker& worker_;
  ReplicaRead* free_ = nullptr;
  std::string value_;
};

}  // namespace ringcache::proxy
