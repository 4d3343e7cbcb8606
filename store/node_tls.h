// What the node does with TLS: starts it from its options, reports its settings and figures. The
// work itself is net/tls_context.h's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/metrics.h"
#include "net/tls_context.h"
#include "store/node_figures.h"
#include "store/node_options.h"

namespace ringcache::store {

// nullptr without -Z. Throws std::runtime_error, naming the option and the file.
std::shared_ptr<net::TlsContext> start_tls(const NodeOptions& options);

// Since the start. `now_unix_s`: the time of the node.
TlsFigures tls_figures(const net::TlsContext& context, std::int64_t now_unix_s);

// The lines of `stats`, those of `stats settings`, the metrics; in memcached's names.
void append_tls_stats(const TlsFigures& figures, bool session_cache, std::string& out);
void append_tls_settings(const NodeOptions& options, std::string& out);
void add_tls_metrics(const TlsFigures& figures, net::MetricFamilies& metrics);

}  // namespace ringcache::store
