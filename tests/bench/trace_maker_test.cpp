#include "tests/bench/trace_maker.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

namespace ringcache::bench {
namespace {

TraceOptions with_sizes(const char* sizes) {
  return {.keys = 1000, .requests = 50000, .sizes = *ValueSizes::parse(sizes)};
}

std::string made(const TraceOptions& options) {
  std::ostringstream out;
  make_trace(options, out);
  return out.str();
}

// The index of each request's key, as a reader of the trace sees it.
std::vector<std::uint64_t> indices(const TraceOptions& options) {
  std::istringstream in(made(options));
  std::string line;
  std::getline(in, line);
  std::vector<std::uint64_t> found;
  std::uint64_t named = 0;
  while (std::getline(in, line)) {
    found.push_back(line[0] == '+' ? named++ : std::stoull(line));
  }
  return found;
}

std::size_t times_of_the_most_popular(const std::vector<std::uint64_t>& keys) {
  std::map<std::uint64_t, std::size_t> times;
  for (const std::uint64_t key : keys) ++times[key];
  std::size_t most = 0;
  for (const auto& [key, count] : times) most = std::max(most, count);
  return most;
}

}  // namespace

TEST_CASE("the same options make the same trace, another seed another") {
  TraceOptions options = with_sizes("log:100-4000");
  const std::string first = made(options);
  CHECK(first == made(options));
  options.seed = 2;
  CHECK(first != made(options));
}

TEST_CASE("the header says what follows") {
  TraceOptions options = with_sizes("100");
  options.zipf = 0;
  CHECK(made(options).starts_with("#mctrace 1 made keys=1000 requests=50000 footprint=120000\n"));
  CHECK(indices(options).size() == 50000);
}

TEST_CASE("scans have their share, and their keys come in order, again and again") {
  TraceOptions options = with_sizes("100");
  options.keys = 1;
  options.scan_share = 0.2;
  options.scan_run = 100;
  options.scan_keys = 500;
  std::vector<std::uint64_t> keys = indices(options);
  const std::uint64_t popular = keys[0] == 0 && std::count(keys.begin(), keys.end(), 0U) > 10000
                                    ? 0
                                    : 100;  // seen after the first scan, if that comes first
  std::erase(keys, popular);
  CHECK(keys.size() > 8000);
  CHECK(keys.size() < 12000);
  bool in_order = true;
  for (std::size_t at = 500; at < keys.size(); ++at) in_order &= keys[at] == keys[at - 500];
  CHECK(in_order);
}

TEST_CASE("drift takes the popularity of a key away") {
  TraceOptions options = with_sizes("100");
  const std::size_t without = times_of_the_most_popular(indices(options));
  options.drift_every = 50;
  CHECK(times_of_the_most_popular(indices(options)) < without / 2);
}

}  // namespace ringcache::bench
