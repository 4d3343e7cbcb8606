// The proxy's metrics and its own `stats`, added up from the workers' counters at each scrape.
//
// Names, labels and help are here and nowhere else; what they mean for an operator is in
// docs/architecture.md. A counter is exported at 0 before its first event. Labels come from the
// configuration and from tables in the code, never from clients.
#pragma once

#include <string>

#include "net/metrics.h"
#include "proxy/proxy_counters.h"

namespace ringcache::proxy {

// PoolCounters and NodeCounters of all workers, added up.
struct PoolTotals {
  std::array<std::array<std::uint64_t, kCommandStatusCount>, protocol::kCommandCount> commands{};
  std::array<net::HistogramSnapshot, kDurationClassNames.size()> duration;
  std::uint64_t in_flight = 0;
  std::uint64_t coalesced = 0;
  std::uint64_t gets_limited = 0;
  std::uint64_t sets_limited = 0;
  std::array<std::uint64_t, kShadowResultNames.size()> shadows{};
  std::uint64_t replica_reads = 0;
  std::uint64_t replica_repairs = 0;
  std::uint64_t near_hits = 0;
  std::uint64_t near_bytes = 0;

  void add(const PoolCounters& counters);
  // Keys that reads found and did not find.
  std::uint64_t hits() const;
  std::uint64_t misses() const;
};

struct NodeTotals {
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::array<std::uint64_t, kNodeFailureNames.size()> errors{};
  std::array<std::uint64_t, kConnectResultNames.size()> connects{};
  std::uint64_t health_check_failures = 0;
  std::uint64_t idle_closes = 0;
  std::uint64_t large_requests = 0;
  std::uint64_t uploads = 0;
  std::uint64_t values_cut_through = 0;
  std::uint64_t reading_held = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t connections = 0;
  net::HistogramSnapshot duration;

  void add(const NodeCounters& counters);
};

void export_pool(net::MetricFamilies& metrics, const std::string& pool, const PoolTotals& totals);
void export_node(net::MetricFamilies& metrics, const std::string& pool, const std::string& node,
                 const NodeTotals& totals);

}  // namespace ringcache::proxy
