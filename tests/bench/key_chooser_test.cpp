#include "tests/bench/key_chooser.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace ringcache::bench {
namespace {

constexpr int kDraws = 400'000;

// The chi-squared statistic of `counts` against `expected`, over its degrees of freedom: about 1
// when the distribution is right, far above when it is not.
double chi_squared_ratio(const std::vector<double>& counts, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  }
  return sum / static_cast<double>(counts.size() - 1);
}

std::vector<double> zipf_expected(std::size_t keys, double exponent) {
  std::vector<double> expected(keys);
  double sum = 0;
  for (std::size_t i = 0; i < keys; ++i) {
    expected[i] = std::pow(static_cast<double>(i + 1), -exponent);
    sum += expected[i];
  }
  for (double& count : expected) count *= kDraws / sum;
  return expected;
}

}  // namespace

TEST_CASE("zipf ranks come as often as the law says") {
  for (const double exponent : {0.5, 0.99, 1.0, 1.01, 1.5, 2.0}) {
    CAPTURE(exponent);
    constexpr std::size_t kKeys = 200;
    const KeyChooser chooser(kKeys, exponent);
    Random random(42);
    std::vector<double> counts(kKeys);
    for (int i = 0; i < kDraws; ++i) counts.at(chooser.choose_rank(random) - 1) += 1;
    // 199 degrees of freedom: the ratio has a deviation of 0.1 around 1.
    CHECK(chi_squared_ratio(counts, zipf_expected(kKeys, exponent)) < 1.4);
    // The check must be able to fail: a slightly different exponent is another distribution.
    CHECK(chi_squared_ratio(counts, zipf_expected(kKeys, exponent + 0.05)) > 1.8);
  }
}

TEST_CASE("uniform keys come equally often") {
  constexpr std::size_t kKeys = 200;
  const KeyChooser chooser(kKeys, 0);
  Random random(42);
  std::vector<double> counts(kKeys);
  for (int i = 0; i < kDraws; ++i) counts.at(chooser.choose(random)) += 1;
  CHECK(chi_squared_ratio(counts, std::vector<double>(kKeys, kDraws / double{kKeys})) < 1.4);
}

TEST_CASE("every rank has an index of its own") {
  for (const std::uint64_t keys : {1, 2, 3, 4, 10, 1000, 4096}) {
    CAPTURE(keys);
    const KeyChooser chooser(keys, 1.0);
    std::vector<bool> seen(keys);
    for (std::uint64_t rank = 1; rank <= keys; ++rank) {
      const std::uint64_t index = chooser.index_of_rank(rank);
      REQUIRE(index < keys);
      CHECK_FALSE(seen[index]);
      seen[index] = true;
    }
  }
}

TEST_CASE("one key is always chosen") {
  Random random(1);
  for (const double exponent : {0.0, 0.99, 1.0}) {
    const KeyChooser chooser(1, exponent);
    for (int i = 0; i < 100; ++i) CHECK(chooser.choose(random) == 0);
  }
}

TEST_CASE("splitmix64 gives the published sequence and can be undone") {
  // The first outputs of the reference program for seed 1234567.
  CHECK(splitmix64(1234567) == 6457827717110365317ULL);
  CHECK(splitmix64(1234567 + kGoldenGamma) == 3203168211198807973ULL);
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t x = random.next();
    CHECK(splitmix64_inverse(splitmix64(x)) == x);
  }
}

}  // namespace ringcache::bench
