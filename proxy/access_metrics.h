// The figures of TLS and passwords, for the scrape.
#pragma once

#include <array>
#include <cstdint>

#include "net/listener.h"
#include "net/metrics.h"
#include "net/tls_context.h"
#include "proxy/proxy_counters.h"
#include "proxy/routing_table.h"

namespace ringcache::proxy {

// Of clients with TLS.
void export_client_tls(net::MetricFamilies& metrics, const net::TlsContext& tls,
                       const net::Listener& listener);

// Of clients' passwords, by ClientAuth, added up over the workers.
void export_client_auth(net::MetricFamilies& metrics,
                        const std::array<std::uint64_t, kClientAuthNames.size()>& counts);

// Of a pool's TLS to its nodes; nothing without.
void export_node_tls(net::MetricFamilies& metrics, const RoutingTable& table,
                     routing::PoolIndex index);

}  // namespace ringcache::proxy
