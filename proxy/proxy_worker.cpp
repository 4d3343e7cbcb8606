#include "proxy/proxy_worker.h"

#include <chrono>
#include <utility>

#include "net/worker.h"
#include "proxy/proxy_server.h"

namespace ringcache::proxy {

ProxyWorker::ProxyWorker(net::Worker& worker, const ProxyServer& server, WriteEpochs& epochs,
                         LargeKeys& large_keys)
    : worker_(worker),
      server_(server),
      epochs_(epochs),
      large_keys_(large_keys),
      pending_pool_(worker.pool()),
      replica_reads_(*this),
      upstreams_(worker, counters_, large_keys) {}

void ProxyWorker::adopt(RoutingTablePtr table) {
  table_ = std::move(table);
  coalescer_.end_all();
  pool_counters_.clear();
  for (routing::PoolIndex pool = 0; pool < table_->pool_count(); ++pool) {
    pool_counters_.push_back(&counters_.pool(table_->pool(pool).options().name));
  }
  share_near_cache();
  upstreams_.adopt(table_);
}

void ProxyWorker::share_near_cache() {
  std::vector<NearCache::Share> shares;
  for (routing::PoolIndex pool = 0; pool < table_->pool_count(); ++pool) {
    const routing::NearCacheOptions& options = table_->pool(pool).options().near_cache;
    shares.push_back({.bytes_max = options.bytes / server_.worker_count(),
                      .ttl_ns = std::chrono::nanoseconds(options.ttl).count(),
                      .bytes = &pool_counters_[pool]->near_bytes});
  }
  near_cache_.use(std::move(shares));
}

char* ProxyWorker::line_buffer(std::size_t bytes) {
  if (line_buffer_.size() < bytes) line_buffer_.resize(bytes);
  return line_buffer_.data();
}

}  // namespace ringcache::proxy
