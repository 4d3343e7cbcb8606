#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/histogram.h"

namespace prometheus {
class Collectable;
struct MetricFamily;
}  // namespace prometheus

/// From per-thread counters (counter.h, histogram.h) to Prometheus: at scrape, one function adds up
/// its counters and writes rows; nothing is registered, nothing is kept twice.
///
///     metrics.counter("client_connections_total", "Connections accepted.",
///     listener.accepted_total()); metrics.gauge("node_up", "1 while the node answers.", up,
///     {{"pool", "main"}, {"node", "a"}});
namespace ringcache::net {

using Labels = std::vector<std::pair<std::string, std::string>>;

class MetricFamilies {
 public:
  /// `prefix`: put before every name, `ringcache_proxy_` for instance.
  explicit MetricFamilies(std::string prefix = "");
  ~MetricFamilies();
  MetricFamilies(MetricFamilies&&) noexcept;
  MetricFamilies& operator=(MetricFamilies&&) noexcept;

  /// Adds one row. Rows of one name make one family, in the order in which names first appear; the
  /// help text is that of the first. A name must keep its type: a row of another type is dropped
  /// (and asserts in debug builds).
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  /// Name ends in `_seconds`; exported with kExportedBoundsNs.
  void histogram(std::string_view name, std::string_view help, const HistogramSnapshot& snapshot,
                 Labels labels = {});
  /// The same with the whole name given, for standard names such as `process_*`.
  void counter_unprefixed(std::string_view name, std::string_view help, double value);
  void gauge_unprefixed(std::string_view name, std::string_view help, double value);

  std::vector<prometheus::MetricFamily> take();

 private:
  enum class Type { kCounter, kGauge, kHistogram };
  prometheus::MetricFamily* family(std::string full_name, std::string_view help, Type type);
  void row(std::string full_name, std::string_view help, Type type, double value, Labels labels);

  std::string prefix_;
  std::vector<prometheus::MetricFamily> families_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

/// Adds rows to what is being scraped. Called on the admin server's thread.
using CollectFunction = std::function<void(MetricFamilies&)>;

/// A prometheus::Collectable that calls `collect` at each scrape.
std::shared_ptr<prometheus::Collectable> make_collectable(std::string prefix,
                                                          CollectFunction collect);
/// The text exposition format of what `collectable` has now.
std::string metrics_text(const prometheus::Collectable& collectable);

/// The standard process metrics, from /proc/self: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds,
/// process_threads, process_start_time_seconds. What cannot be read is left out.
void add_process_metrics(MetricFamilies& metrics);

}  // namespace ringcache::net
