#include "proxy/proxy_metrics.h"

namespace ringcache::proxy {

using protocol::CommandClass;
using protocol::CommandSpec;

void PoolTotals::add(const PoolCounters& counters) {
  for (std::size_t command = 0; command < commands.size(); ++command) {
    for (std::size_t status = 0; status < kCommandStatusCount; ++status) {
      commands[command][status] += counters.commands[command][status].value();
    }
  }
  for (std::size_t i = 0; i < duration.size(); ++i) duration[i] += counters.duration[i].snapshot();
  in_flight += counters.in_flight.value();
  coalesced += counters.coalesced.value();
  gets_limited += counters.gets_limited.value();
  sets_limited += counters.sets_limited.value();
  for (std::size_t i = 0; i < shadows.size(); ++i) shadows[i] += counters.shadows[i].value();
  replica_reads += counters.replica_reads.value();
  replica_repairs += counters.replica_repairs.value();
  near_hits += counters.near_hits.value();
  near_bytes += counters.near_bytes.value();
}

std::uint64_t PoolTotals::hits() const {
  std::uint64_t total = 0;
  for (const CommandSpec& row : protocol::kCommandTable) {
    if (row.command_class != CommandClass::kRead) continue;
    total += commands[static_cast<std::size_t>(row.command)]
                     [static_cast<std::size_t>(CommandStatus::kHit)];
  }
  return total;
}

std::uint64_t PoolTotals::misses() const {
  std::uint64_t total = 0;
  for (const CommandSpec& row : protocol::kCommandTable) {
    if (row.command_class != CommandClass::kRead) continue;
    total += commands[static_cast<std::size_t>(row.command)]
                     [static_cast<std::size_t>(CommandStatus::kMiss)];
  }
  return total;
}

void NodeTotals::add(const NodeCounters& counters) {
  requests += counters.requests.value();
  hits += counters.hits.value();
  misses += counters.misses.value();
  for (std::size_t i = 0; i < errors.size(); ++i) errors[i] += counters.errors[i].value();
  for (std::size_t i = 0; i < connects.size(); ++i) connects[i] += counters.connects[i].value();
  health_check_failures += counters.health_check_failures.value();
  idle_closes += counters.idle_closes.value();
  large_requests += counters.large_requests.value();
  uploads += counters.uploads.value();
  values_cut_through += counters.values_cut_through.value();
  reading_held += counters.reading_held.value();
  read_bytes += counters.read_bytes.value();
  written_bytes += counters.written_bytes.value();
  in_flight += counters.in_flight.value();
  connections += counters.connections.value();
  duration += counters.duration.snapshot();
}

void export_pool(net::MetricFamilies& metrics, const std::string& pool, const PoolTotals& totals) {
  for (const CommandSpec& row : protocol::kCommandTable) {
    if (row.command_class == CommandClass::kLocal || row.command_class == CommandClass::kFanOut) {
      continue;
    }
    for (std::size_t status = 0; status < kCommandStatusCount; ++status) {
      if (!can_end_as(row.command, static_cast<CommandStatus>(status))) continue;
      metrics.counter(
          "commands_total", "Commands of clients, one per key, by how they ended.",
          static_cast<double>(totals.commands[static_cast<std::size_t>(row.command)][status]),
          {{"pool", pool},
           {"command", std::string(row.name)},
           {"status", std::string(kCommandStatusNames[status])}});
    }
  }
  for (std::size_t i = 0; i < totals.duration.size(); ++i) {
    metrics.histogram(
        "command_duration_seconds", "From a complete request of a client to its complete answer.",
        totals.duration[i], {{"pool", pool}, {"command", std::string(kDurationClassNames[i])}});
  }
  metrics.counter("coalesced_gets_total", "Gets answered with the reply to another client's.",
                  static_cast<double>(totals.coalesced), {{"pool", pool}});
  metrics.counter("rate_limited_total", "Keys above a rate limit: missed, or not stored.",
                  static_cast<double>(totals.gets_limited), {{"pool", pool}, {"kind", "gets"}});
  metrics.counter("rate_limited_total", "Keys above a rate limit: missed, or not stored.",
                  static_cast<double>(totals.sets_limited), {{"pool", pool}, {"kind", "sets"}});
  for (std::size_t i = 0; i < totals.shadows.size(); ++i) {
    metrics.counter("shadow_requests_total",
                    "Requests for keys that the pool's shadow takes, by what became of the copy.",
                    static_cast<double>(totals.shadows[i]),
                    {{"pool", pool}, {"result", std::string(kShadowResultNames[i])}});
  }
  metrics.counter("replica_reads_total",
                  "Keys asked of another node that has them, after a miss or a failure.",
                  static_cast<double>(totals.replica_reads), {{"pool", pool}});
  metrics.counter("replica_repairs_total", "Values given to a node that should have had them.",
                  static_cast<double>(totals.replica_repairs), {{"pool", pool}});
  metrics.counter("near_cache_hits_total", "Gets answered by the proxy's near cache.",
                  static_cast<double>(totals.near_hits), {{"pool", pool}});
  metrics.gauge("near_cache_bytes", "Bytes of keys and values in the proxy's near cache.",
                static_cast<double>(totals.near_bytes), {{"pool", pool}});
  metrics.gauge("requests_in_flight", "Requests of clients that await replies of nodes.",
                static_cast<double>(totals.in_flight), {{"pool", pool}});
}

void export_node(net::MetricFamilies& metrics, const std::string& pool, const std::string& node,
                 const NodeTotals& totals) {
  const net::Labels labels{{"pool", pool}, {"node", node}};
  const auto with = [&labels](const char* name, std::string_view value) {
    net::Labels extended = labels;
    extended.emplace_back(name, std::string(value));
    return extended;
  };
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  metrics.counter("node_requests_total", "Requests sent to the node.", number(totals.requests),
                  labels);
  metrics.counter("node_hits_total", "Keys that the node had.", number(totals.hits), labels);
  metrics.counter("node_misses_total", "Keys that the node was asked for and did not have.",
                  number(totals.misses), labels);
  for (std::size_t i = 0; i < totals.errors.size(); ++i) {
    metrics.counter("node_errors_total", "Requests that the node did not answer, by the reason.",
                    number(totals.errors[i]), with("reason", kNodeFailureNames[i]));
  }
  for (std::size_t i = 0; i < totals.connects.size(); ++i) {
    metrics.counter("node_connects_total", "Attempts to connect to the node, by their result.",
                    number(totals.connects[i]), with("result", kConnectResultNames[i]));
  }
  metrics.counter("node_health_check_failures_total",
                  "Probes that the node did not answer, or not in time.",
                  number(totals.health_check_failures), labels);
  metrics.counter("node_idle_closes_total", "Connections closed as nobody needed them.",
                  number(totals.idle_closes), labels);
  metrics.counter("node_large_requests_total",
                  "Requests sent to the node by a connection for large values.",
                  number(totals.large_requests), labels);
  metrics.counter("node_uploads_total",
                  "Data blocks passed on to the node while their clients sent them.",
                  number(totals.uploads), labels);
  metrics.counter("node_values_cut_through_total",
                  "Values of the node passed on while they arrived.",
                  number(totals.values_cut_through), labels);
  metrics.counter("node_reading_held_total",
                  "Times a connection to the node was not read because a client was slow.",
                  number(totals.reading_held), labels);
  metrics.counter("node_read_bytes_total", "Bytes received from the node.",
                  number(totals.read_bytes), labels);
  metrics.counter("node_written_bytes_total", "Bytes sent to the node.",
                  number(totals.written_bytes), labels);
  metrics.gauge("node_requests_in_flight", "Replies that the node owes.", number(totals.in_flight),
                labels);
  metrics.gauge("node_connections", "Open connections to the node.", number(totals.connections),
                labels);
  metrics.histogram("node_request_duration_seconds",
                    "From sending a request to the node to its complete reply.", totals.duration,
                    labels);
}

}  // namespace ringcache::proxy
