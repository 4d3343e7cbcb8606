#include "tests/bench/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/bench/random.h"

namespace ringcache::bench {

TEST_CASE("every duration lies within its bucket, and buckets follow each other") {
  std::uint64_t last_end = 0;
  std::vector<std::uint64_t> values = {0, 1, 127, 128, 129, 255, 256, 257, 1000, 123'456'789};
  for (unsigned bit = 8; bit < Histogram::kValueBits; ++bit) {
    values.insert(values.end(),
                  {(1ULL << bit) - 1, 1ULL << bit, (1ULL << bit) + 1, 3ULL << (bit - 1)});
  }
  values.push_back(Histogram::kValueMaxNs);
  std::sort(values.begin(), values.end());
  for (const std::uint64_t value : values) {
    const std::size_t bucket = Histogram::bucket_of(value);
    const std::uint64_t end = Histogram::bucket_end_ns(bucket);
    CHECK(end >= value);
    CHECK(static_cast<double>(end) <= static_cast<double>(value) * 1.008);
    if (bucket > 0) CHECK(Histogram::bucket_end_ns(bucket - 1) < value);
    CHECK(end >= last_end);
    last_end = end;
  }
}

TEST_CASE("percentiles are those of the sorted durations, to within a bucket") {
  Random random(7);
  Histogram histogram;
  std::vector<std::uint64_t> durations;
  for (int i = 0; i < 100'000; ++i) {
    const auto ns = static_cast<std::uint64_t>(std::exp(random.unit() * 20));
    durations.push_back(ns);
    histogram.record(ns);
  }
  std::sort(durations.begin(), durations.end());
  for (const double share : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * 100'000)) - 1;
    const auto exact = static_cast<double>(durations[rank]);
    CAPTURE(share);
    CHECK(static_cast<double>(histogram.percentile_ns(share)) >= exact);
    CHECK(static_cast<double>(histogram.percentile_ns(share)) <= exact * 1.008);
  }
  CHECK(histogram.percentile_ns(1.0) == durations.back());
  CHECK(histogram.max_ns() == durations.back());
}

TEST_CASE("an empty histogram has no percentiles, one duration is all of them") {
  Histogram histogram;
  CHECK(histogram.percentile_ns(0.5) == 0);
  CHECK(histogram.mean_ns() == 0.0);
  histogram.record(1'234'567);
  CHECK(histogram.percentile_ns(0.001) == 1'234'567);
  CHECK(histogram.percentile_ns(0.999) == 1'234'567);
}

TEST_CASE("durations beyond the range are counted, and their maximum is kept") {
  Histogram histogram;
  histogram.record(Histogram::kValueMaxNs + 12345);
  CHECK(histogram.count() == 1);
  CHECK(histogram.max_ns() == Histogram::kValueMaxNs + 12345);
  CHECK(histogram.percentile_ns(0.5) == Histogram::kValueMaxNs);
}

TEST_CASE("merged histograms are as one that saw everything") {
  Histogram left;
  Histogram right;
  Histogram both;
  for (std::uint64_t ns = 1; ns < 100'000; ns += 7) {
    (ns % 2 == 0 ? left : right).record(ns);
    both.record(ns);
  }
  left.merge(right);
  CHECK(left.count() == both.count());
  CHECK(left.mean_ns() == both.mean_ns());
  CHECK(left.max_ns() == both.max_ns());
  for (const double share : {0.1, 0.5, 0.99}) {
    CHECK(left.percentile_ns(share) == both.percentile_ns(share));
  }
}

}  // namespace ringcache::bench
