#include "net/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cassert>
#include <limits>
#include <sstream>

namespace ringcache::net {

namespace {

std::vector<prometheus::ClientMetric::Label> to_prometheus(Labels labels) {
  std::vector<prometheus::ClientMetric::Label> converted;
  converted.reserve(labels.size());
  for (auto& label : labels) {
    converted.push_back({std::move(label.first), std::move(label.second)});
  }
  return converted;
}

class CollectingFunction final : public prometheus::Collectable {
 public:
  CollectingFunction(std::string prefix, CollectFunction collect)
      : prefix_(std::move(prefix)), collect_(std::move(collect)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    MetricFamilies families(prefix_);
    collect_(families);
    return families.take();
  }

 private:
  std::string prefix_;
  CollectFunction collect_;
};

}  // namespace

MetricFamilies::MetricFamilies(std::string prefix) : prefix_(std::move(prefix)) {}
MetricFamilies::~MetricFamilies() = default;
MetricFamilies::MetricFamilies(MetricFamilies&&) noexcept = default;
MetricFamilies& MetricFamilies::operator=(MetricFamilies&&) noexcept = default;

prometheus::MetricFamily* MetricFamilies::family(std::string full_name, std::string_view help,
                                                 Type type) {
  constexpr prometheus::MetricType kTypes[] = {prometheus::MetricType::Counter,
                                               prometheus::MetricType::Gauge,
                                               prometheus::MetricType::Histogram};
  const prometheus::MetricType wanted = kTypes[static_cast<std::size_t>(type)];
  const auto [entry, is_new] = index_.try_emplace(std::move(full_name), families_.size());
  if (is_new) families_.push_back({entry->first, std::string(help), wanted, {}});
  prometheus::MetricFamily& found = families_[entry->second];
  assert(found.type == wanted);
  return found.type == wanted ? &found : nullptr;
}

void MetricFamilies::row(std::string full_name, std::string_view help, Type type, double value,
                         Labels labels) {
  prometheus::MetricFamily* rows = family(std::move(full_name), help, type);
  if (rows == nullptr) return;
  prometheus::ClientMetric& metric = rows->metric.emplace_back();
  metric.label = to_prometheus(std::move(labels));
  (type == Type::kCounter ? metric.counter.value : metric.gauge.value) = value;
}

void MetricFamilies::counter(std::string_view name, std::string_view help, double value,
                             Labels labels) {
  row(prefix_ + std::string(name), help, Type::kCounter, value, std::move(labels));
}

void MetricFamilies::gauge(std::string_view name, std::string_view help, double value,
                           Labels labels) {
  row(prefix_ + std::string(name), help, Type::kGauge, value, std::move(labels));
}

void MetricFamilies::counter_unprefixed(std::string_view name, std::string_view help,
                                        double value) {
  row(std::string(name), help, Type::kCounter, value, {});
}

void MetricFamilies::gauge_unprefixed(std::string_view name, std::string_view help, double value) {
  row(std::string(name), help, Type::kGauge, value, {});
}

void MetricFamilies::histogram(std::string_view name, std::string_view help,
                               const HistogramSnapshot& snapshot, Labels labels) {
  prometheus::MetricFamily* rows = family(prefix_ + std::string(name), help, Type::kHistogram);
  if (rows == nullptr) return;
  prometheus::ClientMetric& metric = rows->metric.emplace_back();
  metric.label = to_prometheus(std::move(labels));
  std::uint64_t cumulative = 0;
  std::size_t bucket = 0;
  for (const std::uint64_t bound : kExportedBoundsNs) {
    while (bucket < kHistogramBoundsNs.size() && kHistogramBoundsNs[bucket] <= bound) {
      cumulative += snapshot.counts[bucket++];
    }
    metric.histogram.bucket.push_back({cumulative, static_cast<double>(bound) / 1e9});
  }
  const std::uint64_t total = snapshot.count();
  metric.histogram.bucket.push_back({total, std::numeric_limits<double>::infinity()});
  metric.histogram.sample_count = total;
  metric.histogram.sample_sum = static_cast<double>(snapshot.sum_ns) / 1e9;
}

std::vector<prometheus::MetricFamily> MetricFamilies::take() {
  index_.clear();
  return std::move(families_);
}

std::shared_ptr<prometheus::Collectable> make_collectable(std::string prefix,
                                                          CollectFunction collect) {
  return std::make_shared<CollectingFunction>(std::move(prefix), std::move(collect));
}

std::string metrics_text(const prometheus::Collectable& collectable) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, collectable.Collect());
  return std::move(text).str();
}

}  // namespace ringcache::net
