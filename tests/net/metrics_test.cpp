#include "net/metrics.h"

#include <doctest/doctest.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "net/counter.h"
#include "net/hit_ratio.h"

using namespace ringcache::net;

namespace {

constexpr SteadyNs kSecond = 1'000'000'000;

bool has_line(const std::string& text, const std::string& line) {
  return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

}  // namespace

TEST_CASE("a counter is read by others while its owner counts") {
  Counter counter;
  std::thread owner([&] {
    for (int count = 0; count < 100'000; ++count) counter.add();
  });
  std::uint64_t last = 0;
  while (last < 100'000) {
    const std::uint64_t now = counter.value();
    REQUIRE(now >= last);
    last = now;
  }
  owner.join();
  counter.sub(1);
  CHECK(counter.value() == 99'999);
}

TEST_CASE("every duration falls into the bucket whose bounds hold it") {
  Histogram histogram;
  std::vector<std::uint64_t> values = {0, 1, 999, ~std::uint64_t{0} >> 1};
  for (const std::uint64_t bound : kHistogramBoundsNs) {
    values.insert(values.end(), {bound - 1, bound, bound + 1});
  }
  std::array<std::uint64_t, kHistogramBuckets> expected{};
  for (const std::uint64_t value : values) {
    histogram.record_ns(value);
    std::size_t bucket = 0;
    while (bucket < kHistogramBoundsNs.size() && value > kHistogramBoundsNs[bucket]) ++bucket;
    ++expected[bucket];
  }
  CHECK(histogram.snapshot().counts == expected);
  CHECK(histogram.snapshot().count() == values.size());
}

TEST_CASE("quantiles are near those of the values") {
  std::mt19937_64 random(7);
  Histogram histogram;
  std::vector<double> values;
  std::lognormal_distribution<double> latency(std::log(200e3), 1.0);
  for (int count = 0; count < 20'000; ++count) {
    const auto ns = static_cast<std::uint64_t>(latency(random));
    values.push_back(static_cast<double>(ns) * 1e-9);
    histogram.record_ns(ns);
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.1, 0.5, 0.9, 0.99}) {
    CAPTURE(q);
    const double exact = values[static_cast<std::size_t>(q * static_cast<double>(values.size()))];
    CHECK(histogram.snapshot().quantile_seconds(q) == doctest::Approx(exact).epsilon(0.2));
  }
  CHECK(HistogramSnapshot{}.quantile_seconds(0.5) == 0);
}

TEST_CASE("snapshots add up and subtract") {
  Histogram one;
  Histogram two;
  one.record_ns(100'000, 3);
  const HistogramSnapshot early = one.snapshot();
  one.record_ns(200'000);
  two.record_ns(200'000);
  HistogramSnapshot sum = one.snapshot();
  sum += two.snapshot();
  CHECK(sum.count() == 5);
  CHECK(sum.sum_ns == 700'000);
  CHECK(sum.since(early).count() == 2);
  CHECK(sum.since(early).sum_ns == 400'000);
}

TEST_CASE("the hit ratio covers the last minute") {
  HitRatio ratio;
  CHECK(ratio.sample(100 * kSecond, 0, 0) == 0);
  CHECK(ratio.sample(101 * kSecond, 30, 10) == doctest::Approx(0.75));
  CHECK(ratio.value() == doctest::Approx(0.75));
  // Only misses from now on: the hits leave the window a minute later.
  std::uint64_t misses = 10;
  for (int second = 102; second <= 160; ++second) {
    misses += 1;
    ratio.sample(second * kSecond, 30, misses);
  }
  CHECK(ratio.value() == doctest::Approx(30.0 / 99.0));
  CHECK(ratio.sample(162 * kSecond, 30, misses) == 0);
  // A gap in the sampling: counted from the newest reading before the window.
  CHECK(ratio.sample(1000 * kSecond, 130, misses + 100) == doctest::Approx(0.5));
  CHECK(ratio.sample(1030 * kSecond, 130, misses + 100) == doctest::Approx(0.5));
  CHECK(ratio.sample(1100 * kSecond, 130, misses + 100) == 0);
}

TEST_CASE("the first sample covers everything since the start") {
  HitRatio ratio;
  CHECK(ratio.sample(5 * kSecond, 3, 1) == doctest::Approx(0.75));
  CHECK(ratio.sample(5 * kSecond + 1, 3, 1) == doctest::Approx(0.75));
}

TEST_CASE("rows become families in the text format") {
  Histogram latency;
  latency.record_ns(60'000);
  latency.record_ns(50'000);
  latency.record_ns(3 * kSecond);
  const auto collectable = make_collectable("ringcache_test_", [&](MetricFamilies& metrics) {
    metrics.counter("requests_total", "Requests.", 12345678901.0, {{"command", "get"}});
    metrics.gauge("up", "1 while up.", 1);
    metrics.counter("requests_total", "Ignored.", 2, {{"command", "we\"ird\\\n"}});
    metrics.histogram("wait_seconds", "Waits.", latency.snapshot(), {{"pool", "main"}});
  });
  const std::string text = metrics_text(*collectable);
  CAPTURE(text);
  CHECK(has_line(text, "# HELP ringcache_test_requests_total Requests."));
  CHECK(has_line(text, "# TYPE ringcache_test_requests_total counter"));
  CHECK(has_line(text, "ringcache_test_requests_total{command=\"get\"} 12345678901"));
  CHECK(has_line(text, "ringcache_test_requests_total{command=\"we\\\"ird\\\\\\n\"} 2"));
  CHECK(has_line(text, "# TYPE ringcache_test_up gauge"));
  CHECK(has_line(text, "ringcache_test_up 1"));
  CHECK(has_line(text, "ringcache_test_wait_seconds_count{pool=\"main\"} 3"));
  CHECK(text.find("wait_seconds_bucket{pool=\"main\",le=\"5e-05\"} 1") != std::string::npos);
  CHECK(text.find("wait_seconds_bucket{pool=\"main\",le=\"0.0001\"} 2") != std::string::npos);
  CHECK(text.find("wait_seconds_bucket{pool=\"main\",le=\"1\"} 2") != std::string::npos);
  CHECK(text.find("wait_seconds_bucket{pool=\"main\",le=\"+Inf\"} 3") != std::string::npos);
  CHECK(text.find("Ignored.") == std::string::npos);
  // Each family once, its rows together.
  CHECK(text.find("# TYPE ringcache_test_requests_total") ==
        text.rfind("# TYPE ringcache_test_requests_total"));
}

TEST_CASE("the standard process metrics") {
  const auto collectable =
      make_collectable("", [](MetricFamilies& metrics) { add_process_metrics(metrics); });
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : collectable->Collect()) {
    REQUIRE(family.metric.size() == 1);
    const bool counter = family.type == prometheus::MetricType::Counter;
    values[family.name] = counter ? family.metric[0].counter.value : family.metric[0].gauge.value;
  }
  CHECK(values.at("process_cpu_seconds_total") > 0);
  CHECK(values.at("process_resident_memory_bytes") > 100'000);
  CHECK(values.at("process_virtual_memory_bytes") > values.at("process_resident_memory_bytes"));
  CHECK(values.at("process_open_fds") >= 3);
  CHECK(values.at("process_max_fds") >= values.at("process_open_fds"));
  CHECK(values.at("process_threads") >= 1);
  const auto now = static_cast<double>(std::time(nullptr));
  CHECK(values.at("process_start_time_seconds") <= now + 2);
  CHECK(values.at("process_start_time_seconds") > now - 3600);
}
