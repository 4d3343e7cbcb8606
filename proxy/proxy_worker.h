// ProxyWorker: everything of the proxy that belongs to one worker thread: its routing table, its
// connections to the nodes, its client sessions' shared scratch space, its counters.
//
// Workers share nothing but the immutable table (and the health trackers in it), the epochs of
// writes and the table of large keys. Made and destroyed by
// ProxyServer; adopt() and all that sessions call run on the worker's thread. counters() may be
// read by any.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "net/log.h"
#include "protocol/binary_request_parser.h"
#include "protocol/binary_translation.h"
#include "protocol/request.h"
#include "proxy/coalescer.h"
#include "proxy/large_keys.h"
#include "proxy/multiget.h"
#include "proxy/near_cache.h"
#include "proxy/pending_request.h"
#include "proxy/proxy_counters.h"
#include "proxy/replica_reads.h"
#include "proxy/routing_table.h"
#include "proxy/upstream_set.h"
#include "proxy/write_epochs.h"

namespace ringcache::proxy {

class ProxyServer;

// A key of a multiget that several nodes have.
struct CopiedKey {
  std::string_view key;
  routing::PoolIndex pool;
  std::uint64_t hash;  // as the pool's ring takes it
};

class ProxyWorker {
 public:
  using PacketLine = std::array<char, protocol::kTextOfBinaryBytesMax>;

  ProxyWorker(net::Worker& worker, const ProxyServer& server, WriteEpochs& epochs,
              LargeKeys& large_keys);

  // Makes `table` the one that new requests go by. Requests in flight are not touched.
  void adopt(RoutingTablePtr table);

  const RoutingTable& table() const { return *table_; }
  const ProxyServer& server() const { return server_; }
  net::Worker& io() { return worker_; }
  UpstreamSet& upstreams() { return upstreams_; }
  PendingPool& pending_pool() { return pending_pool_; }
  Coalescer& coalescer() { return coalescer_; }
  NearCache& near_cache() { return near_cache_; }
  WriteEpochs& epochs() { return epochs_; }
  LargeKeys& large_keys() { return large_keys_; }
  ReplicaReads& replica_reads() { return replica_reads_; }
  // Scratch: what a request writes before it has a PendingRequest. Empty between requests.
  WriteMarks& writes() { return writes_; }
  WorkerCounters& counters() { return counters_; }
  PoolCounters& pool_counters(routing::PoolIndex pool) { return *pool_counters_[pool]; }

  // Scratch space, used up within one request.
  protocol::Request& request() { return request_; }
  // The packet that request() says in words, and the line that it points into.
  protocol::BinaryRequest& packet() { return packet_; }
  PacketLine& packet_line() { return packet_line_; }
  MultigetSplit& split() { return split_; }
  std::vector<CopiedKey>& copied_keys() { return copied_keys_; }
  // At least `bytes` bytes for a command line.
  char* line_buffer(std::size_t bytes);

  net::LogLimiter& auth_log() { return auth_log_; }
  std::size_t next_client_number() { return clients_seen_++; }

 private:
  void share_near_cache();

  net::Worker& worker_;
  const ProxyServer& server_;
  WorkerCounters counters_;
  WriteEpochs& epochs_;
  LargeKeys& large_keys_;
  WriteMarks writes_;
  Coalescer coalescer_;
  NearCache near_cache_;
  PendingPool pending_pool_;    // outlives the upstreams, whose end fails what is pending
  ReplicaReads replica_reads_;  // the same
  UpstreamSet upstreams_;
  RoutingTablePtr table_;
  std::vector<PoolCounters*> pool_counters_;  // by PoolIndex of table_
  protocol::Request request_;
  protocol::BinaryRequest packet_;
  PacketLine packet_line_;
  MultigetSplit split_;
  std::vector<CopiedKey> copied_keys_;
  std::vector<char> line_buffer_;
  std::size_t clients_seen_ = 0;
  net::LogLimiter auth_log_;  // of wrong passwords
};

}  // namespace ringcache::proxy
