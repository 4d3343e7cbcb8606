#include "proxy/proxy_worker.h"

#include <utility>

#include "net/worker.h"

namespace ringcache::proxy {

ProxyWorker::ProxyWorker(net::Worker& worker, const ProxyServer& server, WriteEpochs& epochs)
    : worker_(worker),
      server_(server),
      epochs_(epochs),
      pending_pool_(worker.pool()),
      upstreams_(worker, counters_) {}

void ProxyWorker::adopt(RoutingTablePtr table) {
  table_ = std::move(table);
  coalescer_.end_all();
  pool_counters_.clear();
  for (routing::PoolIndex pool = 0; pool < table_->pool_count(); ++pool) {
    pool_counters_.push_back(&counters_.pool(table_->pool(pool).options().name));
  }
  upstreams_.adopt(table_);
}

char* ProxyWorker::line_buffer(std::size_t bytes) {
  if (line_buffer_.size() < bytes) line_buffer_.resize(bytes);
  return line_buffer_.data();
}

}  // namespace ringcache::proxy
