#include "tests/bench/key_chooser.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ringcache::bench {
namespace {

// log1p(x)/x and expm1(x)/x, with their limits at 0, where the exponent is 1.
double log1p_over(double x) {
  return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1.0 - x * (0.5 - x / 3.0);
}
double expm1_over(double x) {
  return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1.0 + x * 0.5 * (1.0 + x / 3.0);
}

}  // namespace

KeyChooser::KeyChooser(std::uint64_t key_count, double zipf_exponent)
    : key_count_(key_count), exponent_(zipf_exponent) {
  if (exponent_ == 0.0) return;
  const double golden = 0.6180339887498949 * static_cast<double>(key_count);
  stride_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(golden));
  while (std::gcd(stride_, key_count_) != 1) ++stride_;
  integral_first_ = integral(1.5) - 1.0;
  integral_last_ = integral(static_cast<double>(key_count_) + 0.5);
  accept_below_ = 2.0 - integral_inverse(integral(2.5) - density(2.0));
}

std::uint64_t KeyChooser::choose_rank(Random& random) const {
  for (;;) {
    const double u = integral_last_ + random.unit() * (integral_first_ - integral_last_);
    const double x = integral_inverse(u);
    const double k = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(key_count_));
    if (k - x <= accept_below_ || u >= integral(k + 0.5) - density(k)) {
      return static_cast<std::uint64_t>(k);
    }
  }
}

double KeyChooser::integral(double x) const {
  const double log_x = std::log(x);
  return expm1_over((1.0 - exponent_) * log_x) * log_x;
}

double KeyChooser::integral_inverse(double y) const {
  const double t = std::max(-1.0, y * (1.0 - exponent_));
  return std::exp(log1p_over(t) * y);
}

double KeyChooser::density(double x) const {
  return std::exp(-exponent_ * std::log(x));
}

}  // namespace ringcache::bench
