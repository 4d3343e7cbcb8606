#include "tests/bench/workload.h"

namespace ringcache::bench {

std::optional<Workload> Workload::make(const LoadOptions& options, std::string& error) {
  auto endpoint = Endpoint::resolve(options.server, error);
  if (!endpoint) {
    error = "--server " + options.server + ": " + error;
    return std::nullopt;
  }
  auto sizes = ValueSizes::parse(options.value_size);
  if (!sizes) {
    error = "--value-size " + options.value_size +
            ": expected N, LOW-HIGH, log:LOW-HIGH or lognormal:MEDIAN,SIGMA,LOW,HIGH";
    return std::nullopt;
  }
  const KeySpace key_space(options.key_bytes, options.key_prefix);
  if (options.keys > key_space.capacity()) {
    error = "--keys " + std::to_string(options.keys) + ": only " +
            std::to_string(key_space.capacity()) + " keys have " +
            std::to_string(options.key_bytes) + " bytes";
    return std::nullopt;
  }
  if (options.threads > options.connections) {
    error = "--threads " + std::to_string(options.threads) + ": more threads than connections";
    return std::nullopt;
  }
  return Workload{options, std::move(*endpoint), key_space, KeyChooser(options.keys, options.zipf),
                  std::move(*sizes)};
}

}  // namespace ringcache::bench
