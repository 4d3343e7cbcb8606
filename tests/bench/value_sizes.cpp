#include "tests/bench/value_sizes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace ringcache::bench {
namespace {

// Reads `separators.size() + 1` numbers, each followed by its separator, the last by the end.
std::optional<std::vector<double>> numbers(std::string_view text, std::string_view separators) {
  std::vector<double> values;
  for (std::size_t i = 0; i <= separators.size(); ++i) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || !(value >= 0)) return std::nullopt;
    if (value > static_cast<double>(ValueSizes::kValueBytesMax)) return std::nullopt;
    values.push_back(value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const bool last = i == separators.size();
    if (last != text.empty()) return std::nullopt;
    if (!last && text.front() != separators[i]) return std::nullopt;
    if (!last) text.remove_prefix(1);
  }
  return values;
}

// Inverse of the normal distribution function by bisection: 4096 calls at start-up are nothing.
double normal_quantile(double share) {
  double low = -10;
  double high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < share ? low : high) = middle;
  }
  return (low + high) / 2;
}

template <class Quantile>
std::vector<std::uint32_t> tabulate(std::size_t count, Quantile quantile) {
  std::vector<std::uint32_t> table(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    table[i] = static_cast<std::uint32_t>(std::llround(quantile(share)));
  }
  return table;
}

}  // namespace

ValueSizes::ValueSizes(std::vector<std::uint32_t> quantiles)
    : quantiles_(std::move(quantiles)),
      max_(*std::max_element(quantiles_.begin(), quantiles_.end())) {}

double ValueSizes::mean() const {
  return std::accumulate(quantiles_.begin(), quantiles_.end(), 0.0) /
         static_cast<double>(quantiles_.size());
}

std::optional<ValueSizes> ValueSizes::parse(std::string_view text) {
  constexpr std::size_t kCount = std::size_t{1} << kQuantileBits;
  if (text.starts_with("log:")) {
    const auto range = numbers(text.substr(4), "-");
    if (!range || (*range)[0] < 1 || (*range)[1] < (*range)[0]) return std::nullopt;
    const double low = (*range)[0];
    const double high = (*range)[1];
    return ValueSizes(tabulate(kCount, [=](double u) { return low * std::pow(high / low, u); }));
  }
  if (text.starts_with("lognormal:")) {
    const auto given = numbers(text.substr(10), ",,,");
    if (!given || (*given)[3] < (*given)[2]) return std::nullopt;
    const std::vector<double>& v = *given;
    return ValueSizes(tabulate(kCount, [&v](double u) {
      return std::clamp(v[0] * std::exp(v[1] * normal_quantile(u)), v[2], v[3]);
    }));
  }
  if (const auto fixed = numbers(text, "")) {
    return ValueSizes({static_cast<std::uint32_t>((*fixed)[0])});
  }
  const auto range = numbers(text, "-");
  if (!range || (*range)[1] < (*range)[0]) return std::nullopt;
  const double low = (*range)[0];
  const double high = (*range)[1];
  return ValueSizes(tabulate(kCount, [=](double u) { return low + u * (high - low); }));
}

}  // namespace ringcache::bench
