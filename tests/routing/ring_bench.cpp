// ring_bench: what a lookup costs, by ring and number of nodes.
//
//   BM_Lookup       hash of a 16-byte key and owner, over a set of keys that outgrows the L1 cache
//   BM_Owner        owner of a hash that is there already
//   BM_Candidates   the owner and three stand-ins, as for a key whose owner is out
//   BM_Hash         the key hashes alone
//   BM_Build        making a ring
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

void BM_Lookup(benchmark::State& state) {
  const Ring ring = make_ring(state);
  const std::vector<std::string> keys = make_keys();
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ring.owner(ring.hash(keys[i++ % kKeys])));
  }
  state.SetLabel(std::string(name(ring.kind())));
}

void BM_Owner(benchmark::State& state) {
  const Ring ring = make_ring(state);
  std::uint64_t hash = 1;
  for (auto _ : state) {
    hash = hash * 0x9e3779b97f4a7c15 + 1;
    benchmark::DoNotOptimize(ring.owner(ring.native() != nullptr ? hash : hash >> 32));
  }
  state.SetLabel(std::string(name(ring.kind())));
}

void BM_Candidates(benchmark::State& state) {
  const Ring ring = make_ring(state);
  std::uint64_t hash = 1;
  std::array<NodeIndex, kPlanTargetsMax> out;
  for (auto _ : state) {
    hash = hash * 0x9e3779b97f4a7c15 + 1;
    benchmark::DoNotOptimize(ring.candidates(ring.native() != nullptr ? hash : hash >> 32, out));
  }
  state.SetLabel(std::string(name(ring.kind())));
}

void BM_Plan(benchmark::State& state) {
  PoolOptions options;
  options.backends = make_backends(static_cast<std::size_t>(state.range(0)));
  const Router router({std::make_shared<const Pool>(options)});
  const std::vector<std::string> keys = make_keys();
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(router.plan(ringcache::protocol::Command::kGet, keys[i++ % kKeys]));
  }
}

void BM_Hash(benchmark::State& state) {
  const auto hash = static_cast<KeyHash>(state.range(0));
  const std::vector<std::string> keys = make_keys();
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(hash_key(hash, keys[i++ % kKeys]));
  state.SetLabel(std::string(name(hash)));
}

void BM_Build(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(make_ring(state));
  state.SetLabel(std::string(name(static_cast<RingKind>(state.range(0)))));
}

void rings_and_sizes(benchmark::internal::Benchmark* bench) {
  for (int kind = 0; kind < static_cast<int>(kRingKindCount); ++kind) {
    for (const int nodes : {10, 1000}) bench->Args({kind, nodes});
  }
}

BENCHMARK(BM_Lookup)->Apply(rings_and_sizes);
BENCHMARK(BM_Owner)->Apply(rings_and_sizes);
BENCHMARK(BM_Candidates)->Apply(rings_and_sizes);
BENCHMARK(BM_Plan)->Arg(10)->Arg(1000);
BENCHMARK(BM_Hash)->DenseRange(0, static_cast<int>(kKeyHashCount) - 1);
BENCHMARK(BM_Build)->Apply(rings_and_sizes)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
