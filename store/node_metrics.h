// The node's Prometheus metrics, from the same tables as `stats`. Called at scrape, any thread.
//
// Names are memcached_exporter's where it has one, so that with the prefix `memcached` its
// dashboards work on the node directly.
#pragma once

#include "net/histogram.h"
#include "net/metrics.h"
#include "store/node_figures.h"
#include "store/store_stats.h"

namespace ringcache::store {

// From the start of a loop turn to the answer, by kind of command.
struct CommandDurations {
  net::HistogramSnapshot get;
  net::HistogramSnapshot set;
  net::HistogramSnapshot other;
};

void add_node_metrics(const NodeFigures& figures, const StoreStats& stats,
                      const CommandDurations& durations, double hit_ratio,
                      net::MetricFamilies& metrics);

}  // namespace ringcache::store
