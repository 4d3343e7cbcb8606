// UpstreamSet: one worker's connections to all nodes of its table.
//
// Beside the connections that all requests take a node has some for large values, so that a small
// one never waits for a large one to pass.
//
// A reload keeps the Upstream of every node that stays (same pool, name and address), with its
// connection and what is in flight on it; the others are retired: they finish what they have and
// go.
//
// Its worker's thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "proxy/proxy_counters.h"
#include "proxy/routing_table.h"
#include "proxy/upload_queue.h"
#include "proxy/upstream.h"

namespace ringcache::proxy {

class UpstreamSet {
 public:
  UpstreamSet(net::Worker& worker, WorkerCounters& counters, LargeKeys& large_keys);

  void adopt(const RoutingTablePtr& table);

  // The connection to a node that the client with this number uses: always the same one, so that
  // its requests to a node stay in order.
  Upstream& get(routing::Target target, std::size_t client_number) {
    const Slot slot = slots_[table_->flat_index(target)];
    return *upstreams_[slot.first + (slot.count == 1 ? 0 : client_number % slot.count)];
  }

  // One for a value that is known to be large: one of limits.large_connections of the node, an idle
  // one if there is, or the one with the fewest requests. Without any, as get().
  Upstream& get_large(routing::Target target, std::size_t client_number);

  // One for a large data block, with nothing else to do; nullptr: all are busy.
  Upstream* take_for_upload(routing::Target target);
  // `client` hears upload_goes_on() when it should try again.
  void wait_for_upload(routing::Target target, ClientSession& client) {
    waiting_.add(target, client);
  }
  void forget_waiting(const ClientSession& client) { waiting_.remove(client); }

  // Opens a connection to every node, so that dead ones are known before a client asks.
  void connect_all();

 private:
  struct Slot {
    std::uint32_t first = 0;
    std::uint32_t count = 1;
  };
  using Owned = std::unique_ptr<Upstream>;

  Owned take_old(std::vector<Owned>& old, const UpstreamSettings& settings);
  void add_node(routing::Target target, std::vector<Owned>& old);
  using OfNodes = std::vector<std::vector<Owned>>;  // by RoutingTable::flat_index

  UpstreamSettings large_settings(routing::Target target, bool upload);
  Upstream& add_large(routing::Target target, bool upload);
  void keep_large(routing::Target target, std::vector<Owned>& old, bool upload);
  static std::vector<Owned> take_all(OfNodes& of_nodes);
  void retire_all(std::vector<Owned>& leaving);
  void drop_gone();

  net::Worker& worker_;
  WorkerCounters& counters_;
  LargeKeys& large_keys_;
  RoutingTablePtr table_;
  std::vector<Slot> slots_;  // by RoutingTable::flat_index
  std::vector<Owned> upstreams_;
  OfNodes large_;    // made when needed
  OfNodes uploads_;  // the same
  UploadQueue waiting_;
  std::vector<Owned> retired_;
};

}  // namespace ringcache::proxy
