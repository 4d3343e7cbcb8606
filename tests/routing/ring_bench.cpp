// ring_bench: what a lookup costs, by ring and number of nodes.
//
//   bench_lookup      hash of a 16-byte key and owner, over keys that outgrow the L1 cache
//   bench_owner       owner of a hash that is there already
//   bench_candidates  the owner and three stand-ins, as for a key whose owner is out
//   bench_plan        Router::plan(), with the native ring
//   bench_hash        the key hashes alone
//   bench_build       making a ring
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "routing/pool.h"
#include "routing/route_plan.h"
#include "routing/router.h"

namespace {

using namespace ringcache::routing;

constexpr std::size_t kKeys = 1 << 16;

std::vector<Backend> make_backends(std::size_t count) {
  std::vector<Backend> backends;
  for (std::size_t i = 0; i < count; ++i) {
    backends.push_back(
        parse_backend("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)).backend);
  }
  return backends;
}

std::vector<std::string> make_keys() {
  std::mt19937_64 random(1);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) {
    std::string digits = std::to_string(random());
    digits.resize(11, '0');
    keys.push_back("user:" + digits);
  }
  return keys;
}

Ring make_ring(const benchmark::State& state) {
  const auto kind = static_cast<RingKind>(state.range(0));
  return {kind, default_hash(kind), make_backends(static_cast<std::size_t>(state.range(1)))};
}

void bench_lookup(benchmark::State& state) {
  const Ring ring = make_ring(state);
  const std::vector<std::string> keys = make_keys();
  std::size_t i = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(ring.owner(ring.hash(keys[i++ % kKeys])));
  }
  state.SetLabel(std::string(name(ring.kind())));
}

void bench_owner(benchmark::State& state) {
  const Ring ring = make_ring(state);
  std::uint64_t hash = 1;
  for ([[maybe_unused]] auto _ : state) {
    hash = hash * 0x9e3779b97f4a7c15 + 1;
    benchmark::DoNotOptimize(ring.owner(ring.native() != nullptr ? hash : hash >> 32));
  }
  state.SetLabel(std::string(name(ring.kind())));
}

void bench_candidates(benchmark::State& state) {
  const Ring ring = make_ring(state);
  std::uint64_t hash = 1;
  std::array<NodeIndex, kPlanTargetsMax> out;
  for ([[maybe_unused]] auto _ : state) {
    hash = hash * 0x9e3779b97f4a7c15 + 1;
    benchmark::DoNotOptimize(ring.candidates(ring.native() != nullptr ? hash : hash >> 32, out));
  }
  state.SetLabel(std::string(name(ring.kind())));
}

void bench_plan(benchmark::State& state) {
  PoolOptions options;
  options.backends = make_backends(static_cast<std::size_t>(state.range(0)));
  const Router router({std::make_shared<const Pool>(options)});
  const std::vector<std::string> keys = make_keys();
  std::size_t i = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(router.plan(ringcache::protocol::Command::kGet, keys[i++ % kKeys]));
  }
}

void bench_hash(benchmark::State& state) {
  const auto hash = static_cast<KeyHash>(state.range(0));
  const std::vector<std::string> keys = make_keys();
  std::size_t i = 0;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(hash_key(hash, keys[i++ % kKeys]));
  state.SetLabel(std::string(name(hash)));
}

void bench_build(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(make_ring(state));
  state.SetLabel(std::string(name(static_cast<RingKind>(state.range(0)))));
}

void rings_and_sizes(benchmark::internal::Benchmark* bench) {
  for (int kind = 0; kind < static_cast<int>(kRingKindCount); ++kind) {
    for (const int nodes : {10, 1000}) bench->Args({kind, nodes});
  }
}

BENCHMARK(bench_lookup)->Apply(rings_and_sizes);
BENCHMARK(bench_owner)->Apply(rings_and_sizes);
BENCHMARK(bench_candidates)->Apply(rings_and_sizes);
BENCHMARK(bench_plan)->Arg(10)->Arg(1000);
BENCHMARK(bench_hash)->DenseRange(0, static_cast<int>(kKeyHashCount) - 1);
BENCHMARK(bench_build)->Apply(rings_and_sizes)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
