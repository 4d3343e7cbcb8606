#include "store/node_metrics.h"

#include <array>
#include <string>

#include "store/node_version.h"

namespace ringcache::store {

namespace {

template <typename Table, typename Struct>
void add_rows(net::MetricFamilies& metrics, const Table& table, const Struct& figures,
              const std::string& prefix = "", const net::Labels& labels = {}) {
  for (const auto& row : table) {
    if (row.metric_name.empty()) continue;
    const std::string name = prefix + std::string(row.metric_name);
    const auto value = static_cast<double>(figures.*row.field);
    if (row.kind == FigureKind::kCounter) {
      metrics.counter(name, row.help, value, labels);
    } else {
      metrics.gauge(name, row.help, value, labels);
    }
  }
}

struct CommandRow {
  const char* command;
  const char* status;
  std::uint64_t StoreCounters::*field;
};

// As memcached_exporter labels them.
constexpr std::array kCommandRows{
    CommandRow{"get", "hit", &StoreCounters::get_hits},
    CommandRow{"get", "miss", &StoreCounters::get_misses},
    CommandRow{"delete", "hit", &StoreCounters::delete_hits},
    CommandRow{"delete", "miss", &StoreCounters::delete_misses},
    CommandRow{"incr", "hit", &StoreCounters::incr_hits},
    CommandRow{"incr", "miss", &StoreCounters::incr_misses},
    CommandRow{"decr", "hit", &StoreCounters::decr_hits},
    CommandRow{"decr", "miss", &StoreCounters::decr_misses},
    CommandRow{"cas", "hit", &StoreCounters::cas_hits},
    CommandRow{"cas", "miss", &StoreCounters::cas_misses},
    CommandRow{"cas", "badval", &StoreCounters::cas_badval},
    CommandRow{"touch", "hit", &StoreCounters::touch_hits},
    CommandRow{"touch", "miss", &StoreCounters::touch_misses},
    CommandRow{"flush", "hit", &StoreCounters::cmd_flush},
};

void add_commands(const StoreCounters& counters, net::MetricFamilies& metrics) {
  constexpr const char* kName = "commands_total";
  constexpr const char* kHelp = "Commands, one for each key, by kind and outcome";
  const auto add = [&](const char* command, const char* status, std::uint64_t value) {
    metrics.counter(kName, kHelp, static_cast<double>(value),
                    {{"command", command}, {"status", status}});
  };
  for (const CommandRow& row : kCommandRows) add(row.command, row.status, counters.*row.field);
  // cmd_set counts the compare-and-stores too.
  const std::uint64_t cas = counters.cas_hits + counters.cas_misses + counters.cas_badval;
  add("set", "hit", counters.cmd_set > cas ? counters.cmd_set - cas : 0);
}

}  // namespace

void add_node_metrics(const NodeFigures& figures, const StoreStats& stats,
                      const CommandDurations& durations, double hit_ratio,
                      net::MetricFamilies& metrics) {
  metrics.gauge("up", "1: the node answers", 1);
  metrics.gauge("build_info", "The build; always 1", 1,
                {{"version", kRingcacheVersion}, {"revision", kRingcacheRevision}});
  metrics.gauge("version", "What the node answers to version; always 1", 1,
                {{"version", kProtocolVersion}});
  add_rows(metrics, kNodeFiguresTable, figures);
  add_commands(stats.counters, metrics);
  metrics.gauge("hit_ratio", "Share of the keys asked for in the last 60 s that were found",
                hit_ratio);
  constexpr const char* kDuration = "command_duration_seconds";
  constexpr const char* kHelp = "From the turn that read a command to its answer being written";
  metrics.histogram(kDuration, kHelp, durations.get, {{"command", "get"}});
  metrics.histogram(kDuration, kHelp, durations.set, {{"command", "set"}});
  metrics.histogram(kDuration, kHelp, durations.other, {{"command", "other"}});
  add_rows(metrics, kStoreCountersTable, stats.counters);
  add_rows(metrics, kStoreTotalsTable, stats.totals);
  for (const ClassStats& each : stats.classes) {
    const net::Labels labels{{"slab", std::to_string(each.number)}};
    add_rows(metrics, kClassItemsTable, each.items, "slab_", labels);
    add_rows(metrics, kClassSlabsTable, each.slabs, "slab_", labels);
  }
}

}  // namespace ringcache::store
